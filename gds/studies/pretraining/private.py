"""Pre-training with a guarantee for each training person (DP-SGD), and an honest list of what it does not cover."""

import math
import os
from pathlib import Path

import numpy as np

from gds.errors import UserError, require_extra
from gds.features.dataset import PreparedCohort
from gds.features.featurizer import Featurizer
from gds.files import sha256, write_json
from gds.genotypes.matrix import HAPLOTYPE_SUFFIXES
from gds.repository import WEIGHTS
from gds.studies.few_labels.label_provenance import LabelProvenance
from gds.studies.pretraining.config import PretrainConfig
from gds.studies.pretraining.folder import (
    claim_folder,
    pretraining_record,
    write_curves,
    write_people_seen,
)
from gds.studies.pretraining.initial_weights import InitialWeights
from gds.studies.pretraining.privacy_record import FIXED_SEED, OPERATING_SYSTEM, PrivacyRecord
from gds.studies.pretraining.public_featurizer import PublicFeaturizer, refuse_shared
from gds.studies.pretraining.run import new_model, without_labels
from gds.training import FeatureDataset
from gds.training.arguments import training_arguments
from gds.training.noise_levels import reconstruction_by_timestep
from gds.training.person_losses import person_losses
from gds.training.private.settings import PrivacySettings

# Validation people scored at every point of the curve.
_SCORED = 512


def pretrain_privately(
    config: PretrainConfig,
    cohort: PreparedCohort,
    folder: str | Path,
    *,
    seed: int = 0,
    initial: InitialWeights | None = None,
    public: PublicFeaturizer | None = None,
) -> Path:
    """As :func:`gds.studies.pretraining.run.pretrain`, with differential privacy.

    Parameters
    ----------
    config
        With a ``privacy`` section.
    cohort
        Its training people are protected.
    folder
        Where to; an interrupted run is continued with the account that it kept.
    seed
        Of initial weights. The noise comes from the operating system, unless ``privacy.noise_seed`` says otherwise.
    initial
        A model of other people to start from.
    public
        The featurizer of other people with which the cohort was prepared; None: that of ``initial``, or one fitted on
        the training people, which the guarantee does not cover.

    Raises
    ------
    UserError
        The guarantee cannot be had.
    MissingExtraError
        Opacus is not installed.
    """
    require_extra("opacus", "privacy")
    from gds.training.private.people import PeopleDataset
    from gds.training.private.trainer import PrivateTrainer

    folder, settings = Path(folder), PrivacySettings.of(config.privacy)
    _check(config, cohort, initial, public)
    claim_folder(folder, config, cohort, seed, initial)
    featurizer = cohort.featurizer()
    model = new_model(config, featurizer, seed, initial)
    if config.objective == "masked" and featurizer.kind == "tokens":
        # Counting it among training people would cost privacy; the featurizer's frequencies are published already.
        model.set_major_genotype(likeliest_dosage(featurizer))
    shape, dataset = featurizer.is_padding_.shape, without_labels(cohort.dataset())
    people = PeopleDataset(FeatureDataset(dataset["train"], *shape), units_of(cohort, settings.unit))
    validation = FeatureDataset(dataset["validation"], *shape)
    arguments = dict(config.training)
    ema_decay = arguments.pop("ema_decay", None)
    trainer = PrivateTrainer(
        model, people, settings,
        training_arguments(folder / "checkpoints", seed=seed, **arguments), folder / "checkpoints", ema_decay,
    )  # fmt: skip
    outside = outside_the_guarantee(settings, initial, public)
    print(
        f"differential privacy: epsilon {settings.epsilon:g}, delta {settings.delta:g} for one of {len(people)} units "
        f"({settings.unit}); {trainer.steps} steps, each person with probability {trainer.sample_rate:.3g}, noise "
        f"{trainer.noise:.3g} x clipping norm {settings.clip_norm:g}\nnot covered: {'; '.join(outside)}",
        flush=True,
    )
    scored = validation.__getitems__(list(range(min(len(validation), _SCORED))))["features"].numpy()

    def validate() -> dict[str, float]:
        if not len(scored):
            return {}
        return {"loss": float(person_losses(model, scored, n_draws=8, seed=seed).mean())}

    run = trainer.train(validate)
    model.save_pretrained(folder)
    featurizer.save_pretrained(folder)
    write_people_seen(cohort, folder, initial, None if public is None else public.people())
    LabelProvenance().write(folder)  # no label was read
    levels = None
    if config.objective == "diffusion" and len(validation):
        levels = reconstruction_by_timestep(model, validation, seed=seed)
    write_curves(run.history, levels, folder)
    privacy = PrivacyRecord(
        epsilon=math.ceil(run.epsilon * 1e4) / 1e4,
        delta=float(settings.delta),
        unit="person" if settings.unit == "id" else settings.unit,
        units=run.n_people,
        accountant=settings.accountant,
        noise_multiplier=float(run.noise),
        sample_rate=float(run.sample_rate),
        steps=run.steps,
        clip_norm=float(settings.clip_norm),
        noise=OPERATING_SYSTEM if settings.noise_seed is None else FIXED_SEED,
        outside=outside,
        weights=sha256(folder / WEIGHTS),
    )
    record = pretraining_record(
        config, cohort, seed, initial, model=model, history=run.history, steps=run.steps, processes=1,
        privacy=privacy.content(),
    )  # fmt: skip
    write_json(folder / "run.json", record)
    print(privacy.sentence())
    return folder


def units_of(cohort: PreparedCohort, unit: str) -> np.ndarray:
    """Who or what is protected as one, a name for each row of the training split.

    Raises
    ------
    UserError
        There is no such column, or the rows are haplotypes whose person is not named.
    """
    people = cohort.people[cohort.people["split"] == "train"]
    ids = people.index.to_numpy(dtype=str)
    if unit != "id":
        if unit not in people.columns:
            raise UserError(
                f"privacy.unit={unit}: people.tsv of {cohort.folder} has no such column, but "
                f"{', '.join(people.columns)}"
            )
        named = people[unit].fillna("").astype(str).to_numpy()
        return np.where(named == "", np.char.add("alone:", ids), np.char.add("named:", named.astype(str)))
    known = set(ids)
    first, second = HAPLOTYPE_SUFFIXES
    for name in ids:
        if name.endswith(first) and name.removesuffix(first) + second in known:
            raise UserError(
                f"{name} and {name.removesuffix(first)}{second} look like the haplotypes of one person, who would be "
                "protected by halves: give a phenotype table with a column that names the person, and "
                "privacy.unit=COLUMN"
            )
    return ids


def likeliest_dosage(featurizer: Featurizer) -> np.ndarray:
    """Commonest dosage of each slot in Hardy-Weinberg proportions, int8 (block, slot); 0 in padding."""
    p = featurizer.allele_frequency_[featurizer.blocks_.variant_index]
    found = np.zeros(featurizer.is_padding_.shape, dtype=np.int8)
    found[~featurizer.is_padding_] = np.argmax([(1 - p) ** 2, 2 * p * (1 - p), p**2], axis=0)
    return found


def outside_the_guarantee(
    settings: PrivacySettings, initial: InitialWeights | None, public: PublicFeaturizer | None
) -> list[str]:
    """What about the people a reader of the model may learn beside what epsilon allows."""
    found = []
    if initial is not None and not len(initial.people()):
        found.append("the initial weights and their featurizer, of which it is not known whom they have seen")
    elif initial is None and public is None:
        found.append(
            "the featurizer (which variants, allele frequencies, loadings and cut points), fitted on the protected "
            "people without noise"
        )
    found.append("quality control and the split, which looked at everyone")
    found.append("their number, and the choice of settings (no step was chosen by looking at them)")
    found.append("validation people, whose mean loss is recorded")
    if settings.unit == "id":
        found.append("what relatives among the protected people tell of each other")
    return found


def _check(
    config: PretrainConfig,
    cohort: PreparedCohort,
    initial: InitialWeights | None,
    public: PublicFeaturizer | None,
) -> None:
    if config.objective not in ("diffusion", "masked"):
        raise UserError(
            f"the {config.objective} objective compares people with each other, so that no gradient belongs to one: "
            "private training knows diffusion and masked"
        )
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError(
            "private training runs on one process: start it without torchrun or accelerate launch"
        )
    if initial is not None:
        refuse_shared(initial.people(), cohort, f"--init-from {initial.name}")
    if public is not None:
        public.check(cohort)
