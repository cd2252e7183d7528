"""The features of ``gds prepare``: blocks, a featurizer fitted on the training people, everyone mapped."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

import gds
from gds.errors import UserError, did_you_mean
from gds.features import storage
from gds.features.feature_rows import FeatureRoom
from gds.features.featurizer import Featurizer
from gds.features.gene_pca import GenePCA
from gds.features.gene_tokens import GeneTokens
from gds.features.prepare_options import PrepareOptions
from gds.features.resources import Resources
from gds.features.shared_fit import SharedFit
from gds.genotypes import GenotypeSource, assign_blocks
from gds.genotypes.blocks import Blocks
from gds.genotypes.first_haplotype import FirstHaplotypes
from gds.genotypes.matrix import is_phased
from gds.genotypes.quality import QCReport
from gds.genotypes.variant_view import VariantView


@dataclass(frozen=True)
class FeatureTask:
    """On whom and on what features are made.

    Attributes
    ----------
    source
        Autosomal genotypes.
    kept
        Indices of the variants that passed, int64 (variant,).
    samples, others
        Indices of the training people, and of the people to map whom nothing is learned from.
    """

    source: GenotypeSource
    kept: np.ndarray
    samples: np.ndarray
    others: np.ndarray

    @property
    def checked(self) -> GenotypeSource:
        """The genotypes of the variants that passed."""
        whole = len(self.kept) == len(self.source.variants)
        return self.source if whole else VariantView(self.source, self.kept)


def make_features(
    options: PrepareOptions,
    task: FeatureTask,
    report: QCReport,
    folder: str | Path,
    *,
    input_hashes: Sequence[str],
    resources: Resources,
    shared: SharedFit | None = None,
) -> tuple[Featurizer, np.ndarray]:
    """Fit a featurizer and map everyone, in one pass over the genotypes.

    Parameters
    ----------
    options
        Blocks and kind of features.
    task
        Genotypes and people.
    report
        Takes the counts of blocks.
    folder
        Of the result; features that are large lie on its disk meanwhile.
    input_hashes
        SHA-256 of the genotype files.
    resources
        Threads and memory.
    shared
        The other processes that take part, where there are any.

    Returns
    -------
    featurizer
        Fitted on the training people.
    features
        Of the training people, then of the others; (sample, block, channel).
    """
    featurizer = make_featurizer(options)
    blocks = _blocks(options, task, report)
    room = feature_room(folder, resources)
    people = (task.samples, task.others)
    if shared is not None:
        return shared.lead(
            featurizer, task.source, task.kept, blocks, *people, input_hashes=input_hashes, room=room
        )
    out = None
    if (n_channels := featurizer.fixed_channels) is not None:
        shape = (len(task.samples) + len(task.others), len(blocks), n_channels)
        out = room.array(shape, featurizer.feature_dtype)
    features = featurizer.fit_transform(
        task.checked, blocks, *people, out=out, n_jobs=resources.n_jobs, max_memory=resources.max_memory
    )
    return featurizer, features


def apply_featurizer(
    featurizer: Featurizer, task: FeatureTask, folder: str | Path, resources: Resources
) -> np.ndarray:
    """Features of the training people, then of the others, by a featurizer that is fitted already."""
    people = np.concatenate([task.samples, task.others])
    shape = (len(people), featurizer.n_blocks, featurizer.n_channels)
    out = feature_room(folder, resources).array(shape, featurizer.feature_dtype)
    return featurizer.transform(
        task.source, people, out=out, n_jobs=resources.n_jobs, max_memory=resources.max_memory
    )


def first_haplotype_features(
    featurizer: Featurizer, task: FeatureTask, folder: str | Path, resources: Resources
) -> np.ndarray:
    """As :func:`apply_featurizer`, of people homozygous for the first haplotype of each."""
    assert is_phased(task.source), "phase was asked for when the files were opened"
    haploid = FirstHaplotypes(task.source, need_all_phases=featurizer.kind == "pca")
    return apply_featurizer(featurizer, replace(task, source=haploid), folder, resources)


def make_featurizer(options: PrepareOptions) -> Featurizer:
    """An unfitted featurizer of the kind asked for.

    Raises
    ------
    UserError
        There is no such kind, or its parameters make no sense.
    """
    if options.features not in ("pca", "tokens"):
        raise UserError(f"features {options.features!r}: {did_you_mean(options.features, ['pca', 'tokens'])}")
    if options.features == "pca":
        return GenePCA(options.n_components, options.max_components, options.cut_points)
    return GeneTokens(max_slots=options.max_slots)


def shared_fit(
    options: PrepareOptions, folder: str | Path, inputs: Sequence[str], resources: Resources
) -> SharedFit | None:
    """The processes that were asked for the same at once; None if this is the only one."""
    if resources.processes is None:
        return None
    path = Path(os.path.abspath(folder))
    files = [(each, os.stat(each).st_size, os.stat(each).st_mtime_ns) for each in inputs]
    asked = {"options": asdict(options), "files": files, "gds_version": gds.__version__}
    request = hashlib.sha256(storage.canonical(asked)).hexdigest()
    return SharedFit(path.with_name(f".{path.name}.shards"), request, resources.processes, resources)


def feature_room(folder: str | Path, resources: Resources) -> FeatureRoom:
    """Room on the disk of a folder that may not be there yet."""
    above = Path(os.path.abspath(folder)).parents
    return FeatureRoom(next(parent for parent in above if parent.is_dir()), resources.max_memory)


def _blocks(options: PrepareOptions, task: FeatureTask, report: QCReport) -> Blocks:
    largest = options.max_variants
    if options.features == "tokens" and largest is None:
        largest = options.max_slots
    source = task.checked
    blocks = assign_blocks(
        source.variants,
        options.blocks,
        flank=options.flank,
        overlap=options.overlap,
        intergenic=options.intergenic,
        max_variants=largest,
        split_by=options.split_by,
        source=source,
        samples=task.samples,
    )
    report.add_counts("blocks", blocks.report | {"largest": int(blocks.sizes.max())})
    return blocks
