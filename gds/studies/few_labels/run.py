"""Classification with few labels, beside everything that it must be compared with.

Whatever is tuned is tuned by folds inside the few labels; synthetic people enter only after that. The
test people are predicted once, at the end.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gds.classifiers.auto import AutoClassifier
from gds.classifiers.base import Candidate
from gds.classifiers.baselines import METHODS, CovariateClassifier, LogisticProbe, PriorClassifier
from gds.classifiers.linear.quantitative_ridge import QuantitativeRidge
from gds.classifiers.networks.embedding import embed
from gds.classifiers.networks.fine_tuning import FineTunedEncoder
from gds.classifiers.networks.probe_head import classifier_from_probe
from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.files import read_json
from gds.models import GdsModel
from gds.studies.few_labels.adjustment import add_adjusted, adjustment_columns
from gds.studies.few_labels.augmentation import few_label_generator, synthetic_people
from gds.studies.few_labels.augmentation_controls import control_augmentations
from gds.studies.few_labels.expected_prior import (
    CONTROL,
    expectation,
    expects_genotypes,
    hwe_with_prior,
    prior_method,
)
from gds.studies.few_labels.label_provenance import check_label_provenance
from gds.studies.few_labels.result import FewLabelOptions, FewLabelResult
from gds.studies.few_labels.task import FewLabelTask, check_encoder_people
from gds.studies.outliers import outliers_of_test
from gds.studies.run_folder import people_seen


def run_few_labels(
    task: FewLabelTask, encoders: Sequence[str | Path], options: FewLabelOptions
) -> FewLabelResult:
    """Fit every method on the same few labels and predict the same test people.

    Parameters
    ----------
    task
        People and arrays.
    encoders
        Folders of pre-trained models; the first diffusion model among them makes the synthetic people.
    options
        Mode, augmentation, seed.
    """
    result = FewLabelResult()
    columns: list[str] = []
    if options.adjust or options.stratify:
        columns = adjustment_columns(task, options.adjust, options.stratify)
    names = encoder_names([Path(folder) for folder in encoders])
    for folder in names:
        check_label_provenance(task, folder)
    generators = [folder for folder in names if (folder / "scheduler_config.json").is_file()]
    if options.augment > 0 and not generators:
        raise UserError("--augment needs an encoder that was pre-trained with the diffusion objective")
    _add_baselines(task, result, options.seed)
    if options.method == "auto":
        _add_auto(task, result, options.seed)
    elif options.method != "listed":
        raise UserError(f"method {options.method!r}: expected listed or auto")
    for folder, name in names.items():
        _add_encoder(task, folder, name, result, options)
    if options.encoder_prior:
        _add_priors(task, names, result, options.seed)
    if options.augment > 0:
        _add_augmented(task, generators[0], names[generators[0]], result, options)
    if columns:
        batches = [*task.cohort.description.batch_columns, *([options.stratify] if options.stratify else [])]
        add_adjusted(task, result, columns, batches, options.seed)
    featurizer = Featurizer.from_pretrained(next(iter(names))) if names else task.cohort.featurizer()
    result.outliers = outliers_of_test(task, featurizer, options.seed)
    return result


def _add_baselines(task: FewLabelTask, result: FewLabelResult, seed: int) -> None:
    """Chance, what the confounders alone predict, and the simple methods to beat."""
    y, groups = task.labels_few, task.families(task.few)
    chance = PriorClassifier().fit(np.zeros((len(y), 1)), y)
    result.add("chance", "chance", chance.predict_proba(np.zeros((len(task.test), 1))))
    description = task.cohort.description
    for name, columns in (
        ("batch only", description.batch_columns),
        ("covariates only", description.covariates),
        ("PCs only", description.pc_columns),
    ):
        if columns:
            # A plate number is a name, not a quantity.
            named = [column for column in columns if column in description.batch_columns]
            model = CovariateClassifier(categorical=named, seed=seed)
            model.fit(task.table(task.few, columns), y, groups=groups)
            result.add(
                name, "confounder", model.predict_proba(task.table(task.test, columns)), columns=columns
            )
    few, test, unlabelled = (task.dosages(ids) for ids in (task.few, task.test, task.unlabelled))
    for name, method, sites in (
        ("logistic on PCs", "logistic on PCs", slice(None)),
        ("ridge on dosages", "ridge on dosages", slice(None)),
        ("HWE-EM, LD-pruned", "HWE-EM", task.pruned),
    ):
        model = METHODS[method].make(seed)
        model.fit(few[:, sites], y, unlabelled=unlabelled[:, sites], groups=groups)
        result.add(name, "baseline", model.predict_proba(test[:, sites]), **_chosen(model))
    if description.label_threshold is not None:
        # The few are measured, not only classed: a baseline may use how far from the threshold they are.
        values = task.table(task.few, [str(description.label_column)]).iloc[:, 0].to_numpy(float)
        linear = QuantitativeRidge(seed=seed).fit(few, values, unlabelled=unlabelled, groups=groups)
        probabilities = linear.predict_proba(test, description.label_threshold)
        result.add("ridge on the measurement", "baseline", probabilities, heritability=linear.heritability_)


def _add_auto(task: FewLabelTask, result: FewLabelResult, seed: int) -> None:
    """One baseline, chosen inside the labels; within batches where the cohort names them."""
    few, test, unlabelled = (task.dosages(ids) for ids in (task.few, task.test, task.unlabelled))
    listed = [
        (name, Candidate(METHODS[method].make(seed), task.pruned if pruned else slice(None)))
        for name, method, pruned in (
            ("ridge on dosages", "ridge on dosages", False),
            ("logistic on PCs, LD-pruned", "logistic on PCs", True),
            ("HWE-EM, LD-pruned", "HWE-EM", True),
        )
    ]
    columns = task.cohort.description.batch_columns
    batches = task.table(task.few, columns).astype(str).agg("/".join, axis=1).to_numpy() if columns else None
    model = AutoClassifier(dict(listed), seed=seed)
    groups = task.families(task.few)
    model.fit(few, task.labels_few, unlabelled=unlabelled, groups=groups, batches=batches)
    compared = model.report_.reset_index().astype(object)
    candidates = compared.where(compared.notna(), None).to_dict("records")
    result.add(
        "auto",
        "baseline",
        model.predict_proba(test),
        chosen=model.chosen_,
        candidates=candidates,
        criterion="log-loss" if len(task.class_names) > 2 else "AUROC within batches" if columns else "AUROC",
    )


def _chosen(model: Any) -> dict[str, Any]:
    """What an estimator chose inside the labels: its fitted single numbers."""
    fitted = {name.rstrip("_"): value for name, value in vars(model).items() if name.endswith("_")}
    return {name: value for name, value in fitted.items() if np.isscalar(value)}


def encoder_names(folders: Sequence[Path]) -> dict[Path, str]:
    """A name for each encoder on the page: its objective, with its folder's name where two share that."""
    objectives = []
    for folder in folders:
        run = folder / "run.json"
        record = read_json(run) if run.is_file() else {}
        objectives.append(record["config"]["objective"] if "config" in record else folder.name)
    return {
        folder: name if objectives.count(name) == 1 else f"{name} ({folder.name})"
        for folder, name in zip(folders, objectives, strict=True)
    }


def _add_encoder(
    task: FewLabelTask, folder: Path, name: str, result: FewLabelResult, options: FewLabelOptions
) -> None:
    y, groups = task.labels_few, task.families(task.few)
    if check_encoder_people(task, people_seen(folder), str(folder), options.allow_transductive):
        result.transductive.append(name)
    featurizer = Featurizer.from_pretrained(folder)
    few, test = (task.features(ids, featurizer) for ids in (task.few, task.test))
    encoder = GdsModel.from_pretrained(folder)
    result.embeddings[name] = embed(encoder, test)
    if options.mode == "probe":
        result.few_embeddings[name] = embed(encoder, few)
        probe = LogisticProbe(seed=options.seed).fit(result.few_embeddings[name], y, groups=groups)
        result.add(f"{name}, probe", "encoder", probe.predict_proba(result.embeddings[name]), C=probe.C_)
        result.keep_first(f"{name}, probe", classifier_from_probe(encoder, probe))
    elif options.mode == "full":
        network = FineTunedEncoder(folder, seed=options.seed).fit(few, y, groups=groups)
        result.add(f"{name}, fine-tuned", "encoder", network.predict_proba(test), n_epochs=network.n_epochs_)
        result.keep_first(f"{name}, fine-tuned", network.model_)
    else:
        raise UserError(f"mode {options.mode!r}: expected probe or full")


def _add_priors(task: FewLabelTask, names: Mapping[Path, str], result: FewLabelResult, seed: int) -> None:
    """HWE-EM whose prior are the expected genotypes of each encoder that has any, and of components."""
    able = [folder for folder in names if expects_genotypes(folder)]
    if not able:
        raise UserError("--encoder-prior needs a masked model of tokens or a denoiser among the encoders")
    for folder in able:
        found = hwe_with_prior(task, expectation(task, folder), seed)
        result.add(prior_method(names[folder]), "encoder", found)
    result.add(CONTROL, "baseline", hwe_with_prior(task, None, seed))


def _add_augmented(
    task: FewLabelTask, folder: Path, name: str, result: FewLabelResult, options: FewLabelOptions
) -> None:
    """The diffusion encoder's own method again, with synthetic people and with those of the controls.

    Nothing is tuned anew, and all have as many people of each class.
    """
    y = task.labels_few
    generator = few_label_generator(folder, task, seed=options.seed)
    synthetic, labels = synthetic_people(
        generator, y, options.augment, guidance_scale=options.guidance_scale, seed=options.seed
    )
    featurizer = Featurizer.from_pretrained(folder)
    few, test = (task.features(ids, featurizer) for ids in (task.few, task.test))
    kind = "probe" if options.mode == "probe" else "fine-tuned"
    encoder = GdsModel.from_pretrained(folder)

    def learned(synthetic: np.ndarray, classes: np.ndarray) -> np.ndarray:
        features, targets = np.concatenate([few, synthetic]), np.concatenate([y, classes])
        chosen = result.details[f"{name}, {kind}"]
        if options.mode == "probe":
            probe = LogisticProbe(C=chosen["C"], seed=options.seed).fit(embed(encoder, features), targets)
            return probe.predict_proba(result.embeddings[name])
        network = FineTunedEncoder(folder, seed=options.seed).refit(features, targets, chosen["n_epochs"])
        return network.predict_proba(test)

    probabilities = learned(synthetic, labels)
    result.add(f"{name}, {kind} + synthetic", "augmented", probabilities, n_synthetic=len(labels))
    for control, make in control_augmentations(task, featurizer, labels, options.seed).items():
        people, classes = make()
        probabilities = learned(people, classes)
        result.add(f"{name}, {kind} + {control}", "control", probabilities, n_synthetic=len(classes))
