"""Half of the 1000 Genomes people as a cohort from elsewhere: predictions survive what files do to alleles."""

import numpy as np
import pandas as pd
import pytest
import torch

from gds.classifiers.baselines import LogisticProbe
from gds.classifiers.networks.embedding import embed
from gds.classifiers.networks.probe_head import classifier_from_probe
from gds.errors import UserError
from gds.features import GenePCA
from gds.files import write_json
from gds.genotypes import Genotypes, assign_blocks, read_genotypes, write_genotypes
from gds.models import GdsConfig, GdsModel
from gds.studies.new_cohort import AlignmentOptions, open_new_cohort
from gds.studies.prediction import load_classifier, predict_cohort

OTHER_STRAND = str.maketrans("ACGT", "TGCA")
N_TRAINING, N_LABELS = 546, 200


@pytest.fixture(scope="module")
def phase1(shared_data):
    """Genotypes, continental ancestry (class index) and a random order of people."""
    genotypes = read_genotypes(shared_data / "kg_phase1" / "kg_phase1.bed", "hg19")
    panel = pd.read_csv(
        shared_data / "kg_phase1" / "phase1.panel", sep="\t", header=None, usecols=[0, 2], index_col=0
    )
    _, ancestry = np.unique(panel.loc[genotypes.samples["id"], 2], return_inverse=True)
    return genotypes, ancestry, np.random.default_rng(0).permutation(len(ancestry))


@pytest.fixture(scope="module")
def model_folder(phase1, tmp_path_factory):
    """A probe of ancestry on an encoder with random weights, all from the first half of people."""
    genotypes, ancestry, order = phase1
    blocks = assign_blocks(genotypes.variants, "window:64")
    pca = GenePCA(n_components=8).fit(genotypes, blocks, np.sort(order[:N_TRAINING]))
    torch.manual_seed(0)
    encoder = GdsModel(
        GdsConfig(
            n_blocks=pca.n_blocks, n_channels=pca.n_channels, hidden_size=256, num_hidden_layers=1,
            num_attention_heads=4, intermediate_size=256, blocks_per_token=pca.n_blocks,
        )
    )  # fmt: skip
    encoder.set_padding(pca.is_padding_)
    few = order[:N_LABELS]
    probe = LogisticProbe().fit(embed(encoder, pca.transform(genotypes, few)), ancestry[few])
    folder = tmp_path_factory.mktemp("ancestry")
    classifier_from_probe(encoder, probe).save_pretrained(folder)
    pca.save_pretrained(folder)
    write_json(folder / "run.json", {"genome_build": "hg19"})
    return folder


def elsewhere(genotypes: Genotypes) -> Genotypes:
    """The same people with 40 % of variants dropped, alleles swapped, strands flipped, positions moved."""
    rng = np.random.default_rng(1)
    n = len(genotypes.variants)
    is_swapped, is_flipped = rng.random((2, n)) < 0.3
    variants, dosage = genotypes.variants.copy(), genotypes.dosage.copy()
    alleles = variants[["effect_allele", "other_allele"]].to_numpy(dtype=object)
    alleles[is_flipped] = [
        [allele.translate(OTHER_STRAND) for allele in pair] for pair in alleles[is_flipped]
    ]
    alleles[is_swapped] = alleles[is_swapped][:, ::-1]
    dosage[:, is_swapped] = np.where(dosage[:, is_swapped] < 0, -1, 2 - dosage[:, is_swapped])
    variants[["effect_allele", "other_allele"]] = alleles
    variants["position"] += 123_456
    return Genotypes(dosage, genotypes.samples, variants).subset(variants=np.flatnonzero(rng.random(n) < 0.6))


@pytest.mark.shared_data
def test_predictions_agree_with_those_of_the_untouched_half(phase1, model_folder, tmp_path):
    """44 % of the variants are filled with means, which draws probabilities towards those of the average person.

    Bounds: 92 % of people keep their class (measured: 97 %), accuracy falls by less than .03 (.947 to .930)
    and probabilities move by less than .03 on average (.023).
    """
    genotypes, ancestry, order = phase1
    tested = np.sort(order[N_TRAINING:])
    half = genotypes.subset(samples=tested)
    write_genotypes(half, tmp_path / "plain.bed")
    write_genotypes(elsewhere(half), tmp_path / "other.vcf.gz")
    model = load_classifier(model_folder)
    plain = open_new_cohort(model_folder, [str(tmp_path / "plain.bed")])
    other = open_new_cohort(
        model_folder, [str(tmp_path / "other.vcf.gz")], AlignmentOptions(genome_build="hg38")
    )
    assert plain.aligned.report.overlap == 1
    assert other.aligned.report.matched_by == "id"
    assert 0.5 < other.aligned.report.overlap < 0.6

    expected, found = (predict_cohort(model, cohort).probabilities for cohort in (plain, other))
    truth = ancestry[tested]
    accuracy = [(each.argmax(axis=1) == truth).mean() for each in (expected, found)]
    assert accuracy[0] > 0.9, "chance is .34"
    assert accuracy[1] > accuracy[0] - 0.03
    assert (expected.argmax(axis=1) == found.argmax(axis=1)).mean() > 0.92
    assert np.abs(expected - found).mean() < 0.03


@pytest.mark.shared_data
def test_another_build_by_position_is_refused_with_the_remedy(phase1, model_folder, tmp_path):
    write_genotypes(elsewhere(phase1[0].subset(samples=np.arange(30))), tmp_path / "other.bed")
    with pytest.raises(UserError, match="is the genome build another one"):
        open_new_cohort(model_folder, [str(tmp_path / "other.bed")])
