"""Variant filters, fitted on training people: call rate, allele frequency, Hardy-Weinberg equilibrium."""

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.counts import allele_frequencies, as_indices, count_genotypes, is_autosomal, read_in_pieces
from gds.genotypes.gene_file import chromosome_keys
from gds.genotypes.hwe import hardy_weinberg_p
from gds.genotypes.matrix import GenotypeSource
from gds.genotypes.quality import Filtered, FilterSteps

# More failures than this, of one kind, are the cohort's doing and not the genotyping's.
_STRUCTURE_SHARE = 0.01


def variant_quality(
    source: GenotypeSource,
    samples: np.ndarray,
    *,
    variants: np.ndarray | None = None,
    min_call_rate: float = 0.95,
    min_frequency: float = 0.01,
    min_hwe_p: float = 1e-6,
    hwe_midp: bool = False,
    hwe_samples: np.ndarray | None = None,
    keep_few_heterozygotes: bool = False,
    n_genotyped: np.ndarray | None = None,
) -> Filtered:
    """Remove variants by what the training people show.

    On X, frequencies count one allele of a man (coded 0 or 2; heterozygous ones are taken as missing), and
    equilibrium is tested in women only; it is not tested on Y and MT.

    Parameters
    ----------
    source
        Genotypes.
    samples
        Indices of the TRAINING people, shape (sample,): nobody else is looked at.
    variants
        Ascending indices of the variants to judge; default all.
    min_call_rate
        Smallest share of people with a genotype.
    min_frequency
        Smallest frequency of the rarer allele; constant variants are removed even at 0.
    min_hwe_p
        Smallest exact p-value; 0 switches the test off.
    hwe_midp
        Use mid-p values, see :func:`gds.genotypes.hwe.hardy_weinberg_p`.
    hwe_samples
        Indices of people to test equilibrium in, such as the controls among the few labelled; they must be
        training people. Default all of ``samples``.
    keep_few_heterozygotes
        Keep variants with fewer heterozygotes than expected, as people of several ancestries have.
    n_genotyped
        How many of ``samples`` each variant was genotyped in, shape (variant,), where some of several merged
        cohorts lack it: the call rate is that among them. Default everyone.

    Returns
    -------
    Filtered
        ``table`` has columns id, call_rate, allele_frequency (of the effect allele) and hwe_p (NaN: not
        tested).

    Raises
    ------
    UserError
        There are no training people, a tested person is not one of them, or no variant is left.
    """
    samples = as_indices(samples, len(source.samples), "samples")
    if not len(samples):
        raise UserError("variant filters need training people, none are given")
    tested = samples if hwe_samples is None else as_indices(hwe_samples, len(source.samples), "samples")
    if not np.isin(tested, samples).all():
        raise UserError(
            f"{int((~np.isin(tested, samples)).sum())} of the people to test equilibrium in are not "
            "training people"
        )
    index = as_indices(variants, len(source.variants), "variants")
    chromosome = chromosome_keys(source.variants["chromosome"].to_numpy(object)[index])
    is_x = chromosome == "X"
    sex = source.samples["sex"].to_numpy()[samples]
    is_tested = np.isin(samples, tested)

    call_rate, frequency = np.empty(len(index)), np.empty(len(index))
    hwe_counts = np.zeros((len(index), 3), dtype=np.int64)
    done = 0
    for piece, dosage in read_in_pieces(source, index, samples, task="counting genotypes"):
        here = slice(done, done + len(piece))
        done += len(piece)
        counts = count_genotypes(dosage)
        called_of = len(samples) if n_genotyped is None else np.maximum(n_genotyped[piece], 1)
        call_rate[here] = counts.sum(axis=1) / called_of
        frequency[here] = allele_frequencies(counts)
        hwe_counts[here] = counts if is_tested.all() else count_genotypes(dosage[is_tested])
        if is_x[here].any():
            columns = np.flatnonzero(is_x[here])
            rows = np.arange(here.start, here.stop)[columns]
            frequency[rows] = x_allele_frequencies(dosage[:, columns], sex)
            hwe_counts[rows] = count_genotypes(dosage[is_tested & (sex == 2)][:, columns])

    is_diploid = is_autosomal(chromosome) | is_x | (chromosome == "XY")
    hwe_p = np.where(is_diploid, hardy_weinberg_p(*hwe_counts.T, midp=hwe_midp), np.nan)
    ids = source.variants["id"].to_numpy(object)[index]
    table = pd.DataFrame(
        {"id": ids, "call_rate": call_rate, "allele_frequency": frequency, "hwe_p": hwe_p}, index=index
    )

    steps = FilterSteps(table, ids)
    steps.remove("call rate", call_rate < min_call_rate, call_rate, f">= {min_call_rate:g}")
    rarer = np.minimum(frequency, 1 - frequency)
    steps.remove(
        "allele frequency", ~((rarer >= min_frequency) & (rarer > 0)), rarer,
        f">= {min_frequency:g}" if min_frequency > 0 else "not constant",
    )  # fmt: skip
    if min_hwe_p > 0:
        fails = hwe_p < min_hwe_p
        too_many = _has_too_many_heterozygotes(hwe_counts)
        note = f"{len(tested):,} training people" if hwe_samples is None else f"{len(tested):,} chosen people"
        note += ", mid-p" if hwe_midp else ""
        if keep_few_heterozygotes:
            fails &= too_many
            note += ", only too many heterozygotes"
        elif fails.sum() > _STRUCTURE_SHARE * len(fails) and (fails & too_many).sum() < 0.1 * fails.sum():
            note += "; nearly all have too few heterozygotes, as people of several ancestries do: keep those?"
        steps.remove(
            "Hardy-Weinberg p", fails, hwe_p, f">= {min_hwe_p:g}", checked=np.isfinite(hwe_p).sum(), note=note
        )
    result = steps.result()
    if not len(result.kept):
        removed = ", ".join(f"{step['filter']} {step['removed']:,}" for step in result.steps)
        raise UserError(
            f"no variant of {len(index):,} passes the filters (removed by {removed}): loosen them"
        )
    return result


def x_allele_frequencies(dosage: np.ndarray, sex: np.ndarray) -> np.ndarray:
    """Frequency of the effect allele on X: one allele of a man, two of anybody else.

    Parameters
    ----------
    dosage
        int8, shape (sample, variant), -1 missing; men 0 or 2.
    sex
        1 male, 2 female, 0 unknown; shape (sample,).
    """
    men, others = count_genotypes(dosage[sex == 1]), count_genotypes(dosage[sex != 1])
    n_alleles = men[:, 0] + men[:, 2] + 2 * others.sum(axis=1)
    n_effect = men[:, 2] + others[:, 1] + 2 * others[:, 2]
    return np.divide(n_effect, n_alleles, out=np.full(len(men), np.nan), where=n_alleles > 0)


def _has_too_many_heterozygotes(counts: np.ndarray) -> np.ndarray:
    p = allele_frequencies(counts)
    return counts[:, 1] > 2 * p * (1 - p) * counts.sum(axis=1)
