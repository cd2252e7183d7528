"""Quality control of people, without labels and before any split."""

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.counts import allele_frequencies, as_indices, count_genotypes, is_autosomal, read_in_pieces
from gds.genotypes.duplicates import duplicate_pairs
from gds.genotypes.gene_file import chromosome_keys
from gds.genotypes.matrix import GenotypeSource
from gds.genotypes.quality import Filtered, FilterSteps
from gds.genotypes.variant_quality import x_allele_frequencies

# Positions on X outside both pseudo-autosomal regions, whichever of hg19 and hg38 they are of.
_NOT_PSEUDOAUTOSOMAL = (2_781_480, 154_931_043)
# Fewer heterozygotes than this, expected of a woman, leave F too noisy to contradict a record.
_MIN_EXPECTED_ON_X = 50
# Inbreeding coefficient on X: below is a woman, above a man (the limits of ``plink --check-sex``).
_FEMALE_BELOW, _MALE_ABOVE = 0.2, 0.8
_MIN_HETEROZYGOSITY_VARIANTS = 100


def sample_quality(
    source: GenotypeSource,
    samples: np.ndarray | None = None,
    *,
    min_call_rate: float = 0.95,
    heterozygosity_sd: float = 5.0,
    ancestry: np.ndarray | None = None,
    check_sex: bool = True,
    min_concordance: float = 0.99,
) -> Filtered:
    """Remove people whose genotypes are of poor quality, mixed up, or there twice.

    Call rate and heterozygosity are of autosomal variants. Outliers of heterozygosity and duplicates are
    sought among people with a sufficient call rate; of two copies the better called one stays (the first, if
    equal).

    Parameters
    ----------
    source
        Genotypes.
    samples
        Indices of people, shape (sample,); default all.
    min_call_rate
        Smallest share of variants with a genotype.
    heterozygosity_sd
        Largest distance of the inbreeding coefficient from the median, in robust standard deviations
        (1.4826 x median absolute deviation); 0 switches the filter off.
    ancestry
        Principal components, shape (sample, component): the distance is then from what they and their squares
        predict, for ancestries differ in heterozygosity.
    check_sex
        Remove people recorded as men who have the X of a woman, and the reverse. People whose X is that of
        neither, or whose sex is not recorded, stay.
    min_concordance
        Share of equal genotypes from which two people are one; above 1 switches the filter off.

    Returns
    -------
    Filtered
        ``table`` has columns id, call_rate, heterozygosity (share of genotypes), inbreeding (F, as
        ``plink --het``), x_inbreeding (NaN without X), duplicate_of (id or "").

    Raises
    ------
    UserError
        There are no autosomal variants, or nobody passes.
    """
    people = as_indices(samples, len(source.samples), "samples")
    ids = source.samples["id"].astype(str).to_numpy(object)[people]
    sex = source.samples["sex"].to_numpy()[people]
    chromosome = source.variants["chromosome"].to_numpy(object)
    autosomal = np.flatnonzero(is_autosomal(chromosome))
    if not len(people) or not len(autosomal):
        raise UserError(f"nothing to check: {len(people):,} people, {len(autosomal):,} autosomal variants")
    n_called, n_het, expected = _heterozygosity(source, autosomal, people, men=np.zeros(len(people), bool))
    call_rate = n_called / len(autosomal)
    inbreeding = _coefficient(n_het, expected)
    x_inbreeding, expected_on_x = _x_inbreeding(source, people, sex)
    table = pd.DataFrame(
        {
            "id": ids,
            "call_rate": call_rate,
            "heterozygosity": np.divide(
                n_het, n_called, out=np.full(len(people), np.nan), where=n_called > 0
            ),
            "inbreeding": inbreeding,
            "x_inbreeding": x_inbreeding,
            "duplicate_of": "",
        },
        index=people,
    )
    steps = FilterSteps(table, ids)
    well_called = call_rate >= min_call_rate
    steps.remove("call rate", ~well_called, call_rate, f">= {min_call_rate:g}")

    if heterozygosity_sd > 0:
        usable = well_called & np.isfinite(inbreeding)
        if len(autosomal) < _MIN_HETEROZYGOSITY_VARIANTS or usable.sum() < 10:
            steps.skip(
                "heterozygosity",
                f"{usable.sum():,} people, {len(autosomal):,} autosomal variants are too few",
            )
        else:
            distance = _robust_distance(inbreeding, usable, ancestry)
            steps.remove(
                "heterozygosity", usable & (np.abs(distance) > heterozygosity_sd), distance,
                f"<= {heterozygosity_sd:g} robust sd of F", checked=usable.sum(),
                note=f"{(usable & (distance < -heterozygosity_sd)).sum()} too heterozygous, "
                f"{(usable & (distance > heterozygosity_sd)).sum()} too homozygous"
                + (" for their ancestry" if ancestry is not None else ""),
            )  # fmt: skip
    if check_sex:
        _sex_step(steps, x_inbreeding, expected_on_x, sex)
    if min_concordance <= 1:
        _duplicate_step(steps, table, source, people[well_called], min_concordance)
    result = steps.result()
    if not len(result.kept):
        removed = ", ".join(f"{step['filter']} {step['removed']:,}" for step in result.steps)
        raise UserError(f"nobody of {len(people):,} people passes quality control (removed by {removed})")
    return result


def _heterozygosity(
    source: GenotypeSource, variants: np.ndarray, people: np.ndarray, men: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Genotypes, heterozygous ones, and how many of these to expect from 2p(1 - p); each shape (sample,)."""
    n_called, n_het = np.zeros(len(people), np.int64), np.zeros(len(people), np.int64)
    expected = np.zeros(len(people))
    for _, dosage in read_in_pieces(source, variants, people, task="quality of people"):
        counts = count_genotypes(dosage)
        p = x_allele_frequencies(dosage, np.where(men, 1, 2)) if men.any() else allele_frequencies(counts)
        n_called += np.count_nonzero(dosage >= 0, axis=1)
        n_het += np.count_nonzero(dosage == 1, axis=1)
        # Summed over missing genotypes and subtracted: these are few.
        each = np.nan_to_num(2 * p * (1 - p))
        row, column = np.nonzero(dosage < 0)
        expected += each.sum() - np.bincount(row, weights=each[column], minlength=len(people))
    return n_called, n_het, expected


def _coefficient(n_het: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """F = 1 - observed / expected heterozygotes; NaN where none are expected."""
    enough = expected > 1e-9
    return 1 - np.divide(n_het, expected, out=np.full(len(expected), np.nan), where=enough)


def _x_inbreeding(
    source: GenotypeSource, people: np.ndarray, sex: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """F on X, and the number of heterozygotes expected of a woman; each shape (sample,)."""
    position = source.variants["position"].to_numpy()
    low, high = _NOT_PSEUDOAUTOSOMAL
    is_x = chromosome_keys(source.variants["chromosome"].to_numpy(object)) == "X"
    variants = np.flatnonzero(is_x & (position >= low) & (position <= high))
    if not len(variants):
        return np.full(len(people), np.nan), np.zeros(len(people))
    _, n_het, expected = _heterozygosity(source, variants, people, men=sex == 1)
    return _coefficient(n_het, expected), expected


def _robust_distance(value: np.ndarray, usable: np.ndarray, ancestry: np.ndarray | None) -> np.ndarray:
    """Distance from the median, or from what ancestry predicts, in robust standard deviations."""
    centred = value.copy()
    if ancestry is not None:
        if len(ancestry) != len(value):
            raise UserError(f"ancestry has rows for {len(ancestry)} people, there are {len(value)}")
        design = np.column_stack([np.ones(len(value)), ancestry, np.square(ancestry)])
        centred -= design @ np.linalg.lstsq(design[usable], value[usable], rcond=None)[0]
    centred -= np.median(centred[usable])
    spread = 1.4826 * np.median(np.abs(centred[usable]))
    return np.divide(centred, spread, out=np.zeros(len(value)), where=usable & (spread > 0))


def _sex_step(
    steps: FilterSteps, x_inbreeding: np.ndarray, expected_on_x: np.ndarray, sex: np.ndarray
) -> None:
    if not ((sex == 1) | (sex == 2)).any():
        steps.skip("sex", "nobody's sex is recorded")
        return
    if not expected_on_x.any():
        steps.skip("sex", "there are no variants on X outside its pseudo-autosomal regions")
        return
    recorded = ((sex == 1) | (sex == 2)) & (expected_on_x >= _MIN_EXPECTED_ON_X)
    if not recorded.any():
        steps.skip(
            "sex",
            f"X lets expect at most {expected_on_x.max():.0f} heterozygotes of a woman, "
            f"{_MIN_EXPECTED_ON_X} are needed",
        )
        return
    fails = ((sex == 1) & (x_inbreeding < _FEMALE_BELOW)) | ((sex == 2) & (x_inbreeding > _MALE_ABOVE))
    fails &= recorded
    unclear = recorded & (x_inbreeding >= _FEMALE_BELOW) & (x_inbreeding <= _MALE_ABOVE)
    if fails.sum() > max(0.5 * recorded.sum(), 10):
        # More wrong than right is a matter of coding, not of samples.
        raise UserError(
            f"{int(fails.sum()):,} of {int(recorded.sum()):,} recorded sexes disagree with the X chromosome: are "
            "codes swapped (1 is male, 2 female), or do men's X genotypes count one allele (0/1) instead of two (0/2)?"
        )
    steps.remove(
        "sex", fails, x_inbreeding, f"F of X < {_FEMALE_BELOW:g} / > {_MALE_ABOVE:g}", checked=recorded.sum(),
        note=f"{int(unclear.sum())} unclear, kept" if unclear.any() else "",
    )  # fmt: skip


def _duplicate_step(
    steps: FilterSteps,
    table: pd.DataFrame,
    source: GenotypeSource,
    people: np.ndarray,
    min_concordance: float,
) -> None:
    pairs, why_skipped = duplicate_pairs(source, people, min_concordance=min_concordance)
    if why_skipped:
        steps.skip("duplicates", why_skipped)
        return
    ids = table["id"].to_numpy(object)
    place = pd.Series(np.arange(len(table)), index=table.index).loc[people].to_numpy()
    call_rate = table["call_rate"].to_numpy()
    duplicate_of = np.full(len(table), "", dtype=object)
    concordance = np.zeros(len(table))
    pairs = pairs.sort_values(["first", "second"])
    both = zip(place[pairs["first"].to_numpy(int)], place[pairs["second"].to_numpy(int)], strict=True)
    for (first, second), agreement in zip(both, pairs["concordance"], strict=True):
        if duplicate_of[first] or duplicate_of[second]:
            continue
        worse, better = (first, second) if call_rate[first] < call_rate[second] else (second, first)
        duplicate_of[worse] = ids[better]
        concordance[worse] = agreement
    table["duplicate_of"] = duplicate_of
    steps.remove(
        "duplicates", duplicate_of != "", concordance,
        f"< {min_concordance:g} concordance", checked=len(people),
    )  # fmt: skip
