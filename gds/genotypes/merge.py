"""Several cohorts as one: people one after another, variants intersected or united.

Variants are the same if chromosome, position and alleles agree within one genome build. A later cohort is
brought to the alleles of the earlier ones by the rules of :mod:`gds.genotypes.alignment`: swapped alleles and
strands are corrected, palindromic variants go by their labels or by the frequency in the earlier cohorts.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.alignment import Palindromic, read_aligned
from gds.genotypes.matrix import GenotypeSource, as_indices, check_unique_ids
from gds.genotypes.merge_report import MergedCohort, MergeReport
from gds.genotypes.merged_variants import MergedVariants, shared_by_all

How = Literal["intersection", "union"]

# Dosages of one cohort read at a time.
_READ_BYTES = 2**24


class MergedCohorts:
    """Several cohorts as one :class:`~gds.genotypes.matrix.GenotypeSource`; made by :func:`merge_cohorts`.

    Attributes
    ----------
    samples
        As in :class:`gds.genotypes.GenotypeSource`, with the name of the ``cohort``; the first cohort's people
        come first.
    variants
        By chromosome and position, with the alleles and ids of the first cohort that has each.
    names
        Names of the cohorts.
    is_present
        Whether each cohort has each variant, bool, shape (cohort, variant).
    genome_build
        Theirs, where any of them says it.
    report
        :class:`~gds.genotypes.merge_report.MergeReport`.
    """

    def __init__(
        self,
        sources: Sequence[GenotypeSource],
        names: Sequence[str],
        variants: pd.DataFrame,
        columns: Sequence[np.ndarray],
        is_reversed: Sequence[np.ndarray],
        report: MergeReport,
        genome_build: str | None = None,
    ) -> None:
        """Parameters
        ----------
        sources, names
            The cohorts in the order of their people.
        variants
            The merged variants.
        columns, is_reversed
            For each cohort where it has them (-1 nowhere), and whether it counts the other allele.
        report
            How they were merged.
        genome_build
            Theirs.
        """
        self.names = list(names)
        self.variants = variants
        self.samples = pd.concat(
            [source.samples.assign(cohort=name) for source, name in zip(sources, names, strict=True)],
            ignore_index=True,
        )
        self.is_present = np.stack([column >= 0 for column in columns])
        self.report = report
        self.genome_build = genome_build
        self._cohorts = list(zip(sources, columns, is_reversed, strict=True))
        self._starts = np.cumsum([0, *(len(source.samples) for source in sources)])

    def cohort_of(self, samples: np.ndarray | None = None) -> np.ndarray:
        """Index into ``names`` of the cohort of each of these people, int64, shape (sample,)."""
        people = as_indices(samples, len(self.samples))
        return np.searchsorted(self._starts, people, side="right") - 1

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`gds.genotypes.GenotypeSource.read`; only the cohorts of these people are read.

        A variant that a cohort lacks is missing for its people.
        """
        wanted = as_indices(variants, len(self.variants))
        people = as_indices(samples, len(self.samples))
        owner = self.cohort_of(people)
        # Variant by variant, as files are.
        dosage = np.empty((len(wanted), len(people)), dtype=np.int8)
        for index in np.unique(owner):
            source, columns, is_reversed = self._cohorts[index]
            here = np.flatnonzero(owner == index)
            rows = people[here] - self._starts[index]
            everyone = np.array_equal(rows, np.arange(len(source.samples)))
            step = max(1, _READ_BYTES // len(here))
            for begin in range(0, len(wanted), step):
                piece = wanted[begin : begin + step]
                found = read_aligned(source, columns[piece], is_reversed[piece], None if everyone else rows)
                dosage[begin : begin + step, here] = found.T
        return dosage.T


def merge_cohorts(
    sources: Sequence[GenotypeSource],
    names: Sequence[str],
    variants: How = "intersection",
    *,
    palindromic: Palindromic = "auto",
    min_overlap: float = 0.5,
) -> MergedCohorts:
    """Merge cohorts of different people on one genome build.

    A variant without an alternative allele in one cohort (everyone has the other one) takes it from the next
    cohort that has one at this position. People keep their families: a family of the same name in two cohorts
    is taken as one, so that no split ever divides it.

    Parameters
    ----------
    sources
        The cohorts, at least two.
    names
        A name for each.
    variants
        ``"intersection"``: those that every cohort has. ``"union"``: those of any cohort; the people of the
        others are missing there.
    palindromic
        As :func:`gds.genotypes.align_genotypes` takes it; the frequency is that in the earlier cohorts.
    min_overlap
        Share of its variants that each cohort must share with those before it, or they with it if they have
        fewer; and of the smallest cohort's variants that an intersection must keep.

    Returns
    -------
    MergedCohorts
        With its ``report``.

    Raises
    ------
    UserError
        A person in two cohorts, different builds, or fewer shared variants than that.
    """
    if variants not in ("intersection", "union"):
        raise UserError(f"expected variants of merged cohorts as intersection or union, found {variants!r}")
    _check_names(sources, names)
    _check_people(sources, names)
    genome_build = _common_build(sources, names)
    found = MergedVariants(sources[0])
    for source, name in zip(sources[1:], names[1:], strict=True):
        found.add(
            source, extend=variants == "union", palindromic=palindromic, min_overlap=min_overlap, name=name
        )
    in_all = shared_by_all(found.columns)
    smallest = min(len(source.variants) for source in sources)
    if variants == "intersection" and (not in_all.any() or in_all.sum() < min_overlap * smallest):
        raise UserError(
            f"only {in_all.sum()} variants are in all of the cohorts {', '.join(names)}, of {smallest} in the "
            f"smallest; at least {min_overlap:.0%} are needed: leave a cohort out, impute them to one panel, or "
            "take the union"
        )
    rows = np.flatnonzero(in_all) if variants == "intersection" else np.arange(len(in_all))
    table, columns, is_reversed = found.placed(rows)
    report = _report(sources, names, variants, found, columns)
    return MergedCohorts(sources, names, table, columns, is_reversed, report, genome_build)


def _check_names(sources: Sequence[GenotypeSource], names: Sequence[str]) -> None:
    if len(sources) < 2 or len(sources) != len(names):
        raise UserError(
            f"expected at least two cohorts and a name for each, found {len(sources)} cohorts and {len(names)} names"
        )
    repeated = [name for name in names if list(names).count(name) > 1]
    if repeated:
        raise UserError(f"two cohorts are called {repeated[0]!r}: give each its own name")


def _check_people(sources: Sequence[GenotypeSource], names: Sequence[str]) -> None:
    owner: dict[str, str] = {}
    for source, name in zip(sources, names, strict=True):
        check_unique_ids(source.samples["id"], f"cohort {name!r}")
        shared = [each for each in source.samples["id"] if each in owner]
        if shared:
            shown = ", ".join(repr(each) for each in shared[:5]) + (", ..." if len(shared) > 5 else "")
            raise UserError(
                f"cohorts {owner[shared[0]]!r} and {name!r} share {len(shared)} sample ids ({shown}): remove people "
                "who are in both from one of them (plink2 --remove), or rename them if they are different people "
                "(plink2 --update-ids, bcftools reheader -s)"
            )
        owner |= dict.fromkeys(source.samples["id"], name)


def _common_build(sources: Sequence[GenotypeSource], names: Sequence[str]) -> str | None:
    builds = {
        name: getattr(source, "genome_build", None) for source, name in zip(sources, names, strict=True)
    }
    known = {name: build for name, build in builds.items() if build is not None}
    if len(set(known.values())) > 1:
        said = ", ".join(f"{name!r} is on {build}" for name, build in known.items())
        raise UserError(f"cohorts on different genome builds cannot be merged: {said}; lift one over first")
    return next(iter(known.values()), None)


def _report(
    sources: Sequence[GenotypeSource],
    names: Sequence[str],
    how: str,
    found: MergedVariants,
    columns: Sequence[np.ndarray],
) -> MergeReport:
    taken = ("same", "swapped", "flipped", "flipped_and_swapped")
    palindromic = ("palindromic_as_labelled", "palindromic_by_frequency", "palindromic_dropped")
    cohorts = []
    for k, (source, name) in enumerate(zip(sources, names, strict=True)):
        alignment = asdict(found.alignments[k - 1]) if k else {}
        n_used = int((columns[k] >= 0).sum())
        cohorts.append(
            MergedCohort(
                name=name,
                people=len(source.samples),
                variants=len(source.variants),
                used=n_used,
                unused=len(source.variants) - n_used,
                absent=len(columns[k]) - n_used,
                own=found.n_own[k],
                other_alleles=alignment.get("incompatible", 0),
                **{key: alignment.get(key, 0) for key in (*taken, *palindromic)},
            )
        )
    families = Counter(family for source in sources for family in source.samples["family"].unique() if family)
    return MergeReport(
        how=how,
        people=sum(cohort.people for cohort in cohorts),
        variants=len(columns[0]),
        in_every_cohort=int(shared_by_all(columns).sum()),
        alternatives_found=found.n_alternatives,
        shared_families=sum(count > 1 for count in families.values()),
        cohorts=cohorts,
    )
