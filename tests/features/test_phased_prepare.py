"""Haplotypes beside people: what gds prepare --phased writes."""

from dataclasses import replace

import numpy as np
import pytest

from gds.errors import UserError
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.genotypes import read_genotypes, write_genotypes
from gds.genotypes.first_haplotype import FirstHaplotypes
from tests.cohorts import tiny_genotypes, tiny_phenotypes


@pytest.fixture(scope="module")
def phased_options(tmp_path_factory):
    """A phased cohort of 60 people, as a .pgen."""
    folder = tmp_path_factory.mktemp("phased")
    genotypes = tiny_genotypes(n_samples=60)
    dosage = genotypes.dosage
    first = np.where(dosage == 1, np.random.default_rng(0).integers(0, 2, dosage.shape), dosage == 2)
    haplotypes = np.stack([first, dosage - first], axis=-1).astype(np.int8)
    genotypes = replace(genotypes, haplotypes=np.where(dosage[..., None] < 0, np.int8(-1), haplotypes))
    write_genotypes(genotypes, folder / "cohort.pgen")
    tiny_phenotypes(genotypes, 2).to_csv(folder / "phenotypes.tsv", sep="\t", index=False)
    return folder, PrepareOptions(
        genotypes=(str(folder / "cohort.pgen"),), phenotypes=str(folder / "phenotypes.tsv"), label_column="status",
        blocks="window:16", max_slots=16, n_components=3, features="tokens", phased=True, qc=False,
    )  # fmt: skip


def test_tokens_of_haplotypes_are_those_of_homozygous_people(phased_options):
    folder, options = phased_options
    cohort = prepare_cohort(options, folder / "tokens")
    genotypes = read_genotypes(options.genotypes[0], phased=True)
    featurizer = cohort.featurizer()
    for split in ("train", "test"):
        rows = cohort.people.index.get_indexer(cohort.ids(split))
        first = genotypes.haplotypes[rows, :, 0]
        expected = np.full_like(cohort.features(split), -1)
        expected[:, ~featurizer.is_padding_] = np.maximum(2 * first, -1)[:, cohort.kept_variants()]
        np.testing.assert_array_equal(cohort.first_haplotypes(split), expected)
    assert cohort.description.phased
    np.testing.assert_array_equal(cohort.source().read_phased(slice(None))[1], genotypes.haplotypes)


def test_component_scores_of_two_haplotypes_average_to_the_persons(phased_options):
    folder, options = phased_options
    cohort = prepare_cohort(replace(options, features="pca"), folder / "pca")
    genotypes = read_genotypes(options.genotypes[0], phased=True)
    swapped = replace(genotypes, haplotypes=genotypes.haplotypes[..., ::-1])
    rows = cohort.people.index.get_indexer(cohort.ids("test"))
    second = cohort.featurizer().transform(FirstHaplotypes(swapped), rows)
    np.testing.assert_allclose(
        cohort.features("test"), (cohort.first_haplotypes("test") + second) / 2, atol=1e-5
    )


def test_phase_that_is_not_there_is_refused(phased_options, tmp_path):
    _, options = phased_options
    with pytest.raises(UserError, match="2 merged cohorts"):
        prepare_cohort(replace(options, further_cohorts=(options.genotypes,)), tmp_path / "merged")
    unphased = prepare_cohort(replace(options, phased=False), tmp_path / "unphased")
    with pytest.raises(UserError, match="--phased"):
        unphased.first_haplotypes("train")
    genotypes = read_genotypes(options.genotypes[0], phased=True)
    row, column = np.argwhere(genotypes.dosage == 1)[0]
    genotypes.haplotypes[row, column] = -1
    assert FirstHaplotypes(genotypes).read(slice(None))[row, column] == -1
    with pytest.raises(UserError, match="the phase of 1 genotypes is not known"):
        FirstHaplotypes(genotypes, need_all_phases=True).read(slice(None))
