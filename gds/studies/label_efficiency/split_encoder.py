"""Encoders that are pre-trained on the training people of one split, and what they say of everyone.

The splits of :mod:`gds.studies.label_efficiency.repeated_splits` are not prepared cohorts: features are made in
memory, and an encoder is kept in the split's own folder, so that it is trained once for all methods and
numbers of labels.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.classifiers.networks.embedding import EmbeddingView, embed, embed_locally
from gds.errors import UserError
from gds.features.dataset import arrow_dataset
from gds.features.featurizer import Featurizer
from gds.features.gene_pca import GenePCA
from gds.features.gene_tokens import GeneTokens
from gds.files import atomic_path, write_json
from gds.genotypes.blocks import assign_blocks
from gds.genotypes.first_haplotype import FirstHaplotypes
from gds.genotypes.matrix import Genotypes, is_phased
from gds.provenance import run_record
from gds.studies.few_labels.label_provenance import LabelProvenance
from gds.studies.label_efficiency.split_task import SplitPeople
from gds.studies.pretraining.config import PretrainConfig
from gds.studies.pretraining.run import new_model
from gds.training import FeatureDataset, GdsTrainer
from gds.training.arguments import training_arguments


def split_genotypes(people: SplitPeople) -> Genotypes:
    """The genotypes of everyone at the variants of a split."""
    return people.study.genotypes.subset(variants=people.variants)


def split_encoder(people: SplitPeople, name: str, config: PretrainConfig, *, seed: int | None = None) -> Path:
    """Pre-train an encoder on the training people of a split, or find the one that was.

    Phased genotypes are contrasted by haplotype. Nobody is held out: the length of training is the configuration's.

    Parameters
    ----------
    people
        The split.
    name
        Of the encoder: its folder within the split's.
    config
        Objective, features, network and training.
    seed
        Of the weights and of all that is random; None: the split's.

    Returns
    -------
    pathlib.Path
        A folder as ``gds pretrain`` leaves it, without curves.
    """
    folder = people.folder / f"encoder {name}"
    if (folder / "run.json").is_file():
        return folder
    seed = people.seed if seed is None else seed
    genotypes = split_genotypes(people)
    featurizer = _fitted(config, genotypes, people.train)
    phased = config.objective == "contrastive" and is_phased(genotypes)
    first = first_haplotypes(featurizer, genotypes, people.train) if phased else None
    features = featurizer.transform(genotypes, people.train)
    data = arrow_dataset(features, np.full(len(features), -100), None, first)
    train = FeatureDataset(data, *features.shape[1:], phased=phased)
    model = new_model(config, featurizer, seed, phased=phased)
    if config.objective == "masked" and featurizer.kind == "tokens":
        model.set_major_genotype(train.most_frequent_dosage())
    arguments = config.training | {"eval_strategy": "no", "save_strategy": "no", "report_to": []}
    ema_decay = arguments.pop("ema_decay", None)
    trainer = GdsTrainer(
        model=model,
        args=training_arguments(folder / "checkpoints", seed=seed, **arguments),
        train_dataset=train,
        ema_decay=ema_decay,
    )
    trainer.train()
    model.save_pretrained(folder)
    featurizer.save_pretrained(folder)
    LabelProvenance().write(folder)  # no label was read
    ids = genotypes.samples["id"].iloc[people.train]
    with atomic_path(folder / "people.tsv") as temporary:
        pd.DataFrame({"id": ids, "used_for": "featurizer and training"}).to_csv(
            temporary, sep="\t", index=False
        )
    write_json(
        folder / "run.json",
        run_record(seed, [], config=asdict(config), training_people=len(people.train), steps=trainer.state.global_step),
    )  # fmt: skip
    return folder


def _fitted(config: PretrainConfig, genotypes: Genotypes, train: np.ndarray) -> Featurizer:
    options = config.features
    blocks = assign_blocks(genotypes.variants, options.get("blocks") or "window:64")
    if options["kind"] == "tokens":
        return GeneTokens(max_slots=options["max_slots"]).fit(genotypes, blocks, train)
    return GenePCA(options["n_components"], cut_points=False).fit(genotypes, blocks, train)


def first_haplotypes(featurizer: Featurizer, genotypes: Genotypes, rows: np.ndarray) -> np.ndarray:
    """Features of people homozygous for the first haplotype of each, (sample, block, channel)."""
    haploid = FirstHaplotypes(genotypes, need_all_phases=featurizer.kind == "pca")
    return featurizer.transform(haploid, rows)


def embed_everyone(
    people: SplitPeople,
    folder: Path,
    view: EmbeddingView,
    *,
    by_haplotype: bool = False,
    locally: bool = False,
) -> np.ndarray:
    """Embeddings of all people of a study by the encoder of a split, kept beside it.

    Parameters
    ----------
    people, folder
        The split, and its encoder.
    view
        Layer, noise level and pooling.
    by_haplotype
        Embed both haplotypes of each person and average.
    locally
        Tokens instead: (sample, haplotype, token, hidden).

    Raises
    ------
    UserError
        Haplotypes are asked for and the genotypes are not phased.
    """
    name = f"{view.name}{', haplotypes' if by_haplotype else ''}{', local' if locally else ''}.npy"
    path = folder / "embeddings" / name
    if path.is_file():
        return np.load(path, allow_pickle=False)
    from gds.models import GdsModel

    genotypes = split_genotypes(people)
    if by_haplotype and not is_phased(genotypes):
        raise UserError(f"the genotypes of {people.study.name} are not phased: embed people, not haplotypes")
    featurizer = Featurizer.from_pretrained(folder)
    everyone = np.arange(len(genotypes.samples))
    arguments: dict[str, Any] = {"view": view}
    if by_haplotype:
        arguments["first_haplotype"] = first_haplotypes(featurizer, genotypes, everyone)
    model = GdsModel.from_pretrained(folder)
    found = (embed_locally if locally else embed)(
        model, featurizer.transform(genotypes, everyone), **arguments
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        np.save(temporary, found)
    return found
