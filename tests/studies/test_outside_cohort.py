"""Half of real people as a second cohort: spoiled in every way that cohorts differ, its predictions must agree.

Bounds are those of five splits in ``benchmarks/results/outside_cohort.csv`` with room to spare.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gds.classifiers.linear.tuned_logistic import LogisticProbe
from gds.features import GenePCA
from gds.features.splits import split_people
from gds.features.training_distribution import TrainingDistribution
from gds.genotypes import (
    Genotypes,
    align_genotypes,
    assign_blocks,
    open_genotypes,
    read_genotypes,
    write_genotypes,
)
from gds.genotypes.allele_match import is_palindromic
from tests.genotypes.test_alignment import flip, swap

pytestmark = pytest.mark.shared_data


class Study:
    """A featurizer and classifiers fitted on half of the people of kg_phase1, and the other half."""

    def __init__(self, folder):
        whole = read_genotypes(folder / "kg_phase1.bed")
        # No header; platforms at the end of a line are one to three words.
        panel = pd.read_csv(folder / "phase1.panel", sep=r"\s+", header=None, usecols=[0, 1, 2], index_col=0)
        panel = panel.loc[whole.samples["id"]]
        ids = whole.samples["id"].tolist()
        half = split_people(ids, strata=panel[1].to_numpy(dtype=str), fractions=(0.5, 0.0, 0.5), seed=0)
        train, other = np.flatnonzero(half == "train"), np.flatnonzero(half == "test")
        blocks = assign_blocks(whole.variants, "window:64")
        self.pca = GenePCA(n_components=8, cut_points=False).fit(whole, blocks, train)
        features = self.flat(whole, train)
        self.probes = {
            name: LogisticProbe(C=0.01).fit(features, panel[column].to_numpy(dtype=str)[train])
            for name, column in (("superpopulation", 2), ("population", 1))
        }
        self.truth = {
            "superpopulation": panel[2].to_numpy(dtype=str)[other],
            "population": panel[1].to_numpy(dtype=str)[other],
        }
        self.second = whole.subset(samples=other)

    def flat(self, source, samples=None) -> np.ndarray:
        scores = self.pca.transform(source, samples)
        return scores.reshape(len(scores), -1)

    def align(self, path, build="hg19"):
        return align_genotypes(
            open_genotypes(path, genome_build=build),
            self.pca.variants_,
            self.pca.allele_frequency_,
            genome_build="hg19",
        )


@pytest.fixture(scope="module")
def study(shared_data):
    return Study(shared_data / "kg_phase1")


def swapped_and_flipped(genotypes: Genotypes) -> Genotypes:
    rng = np.random.default_rng(0)
    n = len(genotypes.variants)
    return flip(swap(genotypes, rng.random(n) < 0.5), rng.random(n) < 0.5)


def test_swaps_and_strands_change_no_prediction(study, tmp_path):
    """To the last bit, but for the palindromic variants whose frequency does not tell the strand."""
    write_genotypes(swapped_and_flipped(study.second), tmp_path / "second.pgen")
    aligned = study.align(tmp_path / "second.pgen")
    report = aligned.report
    m = len(study.second.variants)
    assert report.found + report.palindromic_dropped == m
    assert min(report.same, report.swapped, report.flipped, report.flipped_and_swapped) > 0.2 * m
    dropped = np.flatnonzero(aligned.columns < 0)
    alleles = study.second.variants.iloc[dropped]
    assert is_palindromic(alleles["effect_allele"], alleles["other_allele"]).all()
    dosage = study.second.dosage.copy()
    dosage[:, dropped] = -1
    untouched = study.flat(replace(study.second, dosage=dosage))
    found = study.flat(aligned)
    np.testing.assert_array_equal(found, untouched)
    for probe in study.probes.values():
        np.testing.assert_array_equal(probe.predict_proba(found), probe.predict_proba(untouched))


@pytest.mark.parametrize(
    ("label", "least_agreement", "most_difference", "most_accuracy_lost"),
    [("superpopulation", 0.97, 0.15, 0.02), ("population", 0.75, 0.3, 0.08)],
)
def test_predictions_survive_the_loss_of_two_fifths_of_the_variants(
    study, tmp_path, label, least_agreement, most_difference, most_accuracy_lost
):
    rng = np.random.default_rng(0)
    kept = rng.random(len(study.second.variants)) >= 0.4
    spoiled = swapped_and_flipped(study.second).subset(variants=kept)
    moved = spoiled.variants.assign(position=spoiled.variants["position"] + 10**6)
    write_genotypes(replace(spoiled, variants=moved), tmp_path / "second.bed")
    aligned = study.align(tmp_path / "second.bed", build="hg38")
    assert aligned.report.matched_by == "id"
    assert aligned.report.found + aligned.report.palindromic_dropped == kept.sum()

    probe, truth = study.probes[label], study.truth[label]
    untouched, found = (probe.predict_proba(study.flat(source)) for source in (study.second, aligned))
    same = found.argmax(axis=1) == untouched.argmax(axis=1)
    assert same.mean() >= least_agreement
    assert (np.abs(found - untouched).sum(axis=1) / 2).mean() <= most_difference
    right = [(probe.classes_[p.argmax(axis=1)] == truth).mean() for p in (untouched, found)]
    assert right[0] - right[1] <= most_accuracy_lost


@pytest.mark.parametrize("withheld", ["AFR", "ASN"])
def test_a_continent_that_training_lacks_is_flagged(shared_data, withheld):
    """Bounds of ``benchmarks/results/outliers.csv`` with room to spare."""
    whole = read_genotypes(shared_data / "kg_phase1" / "kg_phase1.bed")
    panel = pd.read_csv(
        shared_data / "kg_phase1" / "phase1.panel", sep=r"\s+", header=None, usecols=[0, 1, 2], index_col=0
    ).loc[whole.samples["id"]]
    is_withheld = (panel[2] == withheld).to_numpy()
    half = split_people(
        whole.samples["id"].tolist(), strata=panel[1].to_numpy(str), fractions=(0.5, 0.0, 0.5), seed=0
    )
    train, other = (half == "train") & ~is_withheld, (half == "test") & ~is_withheld
    fitted = TrainingDistribution.fit(whole.dosage[train], np.arange(len(whole.variants)))
    flagged = fitted.is_outside(fitted.distance(whole.dosage[:, fitted.variant_index]))
    assert flagged[is_withheld].mean() > 0.95
    assert flagged[other].mean() < 0.04
