"""Published ALS loci in a cohort that shows each thing that can become of one, and attributions of real methods."""

import json

import numpy as np
import pandas as pd
import pytest

from gds.cli import run_command
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.genotypes import Genotypes, write_genotypes
from gds.genotypes.simulate.als_loci import read_als_loci
from gds.studies.als.biology import add_als_biology
from gds.studies.als.block_attributions import attribute_blocks
from gds.studies.als.loci_table import als_loci_table, is_als
from gds.studies.few_labels.result import FewLabelOptions
from gds.studies.few_labels.run import run_few_labels
from gds.studies.few_labels.task import few_label_task
from tests.untrained_models import save_untrained

SWAPPED, FLIPPED, ABSENT, OTHER, RARE = "rs631312", "rs62333164", "rs517339", "rs9275477", "rs12608932"
DOUBTFUL, PALINDROMIC = "rs10280711", "rs4075094"


def cohort_with_loci(n: int = 200) -> Genotypes:
    """The loci, each with a neighbour 10 kb on that is linked to it; frequencies .3."""
    loci = read_als_loci()
    rng = np.random.default_rng(0)
    is_minor = loci["effect_allele"] == loci["minor_allele"]
    mine = rng.binomial(2, np.where(is_minor, 0.3, 0.7), (n, 15)).astype(np.int8)
    mine[:, loci["rsid"] == DOUBTFUL] = rng.binomial(2, 0.5, (n, 1))
    mine[:, loci["rsid"] == RARE] = 0
    mine[:3, loci["rsid"] == RARE] = 1
    beside = np.where(rng.random(mine.shape) < 0.1, rng.binomial(2, 0.3, mine.shape), mine).astype(np.int8)
    table = loci.set_index("rsid")[["chromosome", "position", "effect_allele", "other_allele"]]
    variants = table.assign(id=table.index)
    swap = (variants["id"] == SWAPPED).to_numpy()
    variants.loc[swap, ["effect_allele", "other_allele"]] = table.loc[
        [SWAPPED], ["other_allele", "effect_allele"]
    ].to_numpy()
    mine[:, swap] = 2 - mine[:, swap]
    variants.loc[FLIPPED, ["effect_allele", "other_allele"]] = [
        {"A": "T", "C": "G", "G": "C", "T": "A"}[allele]
        for allele in table.loc[FLIPPED, ["effect_allele", "other_allele"]]
    ]
    variants.loc[OTHER, "effect_allele"] = "AT"
    neighbours = table.assign(
        position=table["position"] + 10_000, id="near_" + table.index, effect_allele="C", other_allele="A"
    )
    everything = pd.concat([variants, neighbours], ignore_index=True)
    dosage = np.concatenate([mine, beside], axis=1)
    keep = (everything["id"] != ABSENT).to_numpy()
    everything, dosage = everything[keep], dosage[:, keep]
    order = np.lexsort((everything["position"], everything["chromosome"].astype(int)))
    samples = pd.DataFrame({"id": [f"P{i:03d}" for i in range(n)], "family": "", "sex": 0})
    return Genotypes(
        np.ascontiguousarray(dosage[:, order]), samples, everything.iloc[order].reset_index(drop=True), "hg19"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("als")
    genotypes = cohort_with_loci()
    write_genotypes(genotypes, folder / "cohort.bed")
    # Cases are made by the SOD1 locus, so that ridge regression has something to rest on.
    sod1 = genotypes.dosage[:, genotypes.variants["id"] == "rs80265967"][:, 0]
    noise = np.random.default_rng(1).normal(size=len(sod1))
    status = np.where(sod1 + 0.5 * noise > np.median(sod1), "case", "control")
    pd.DataFrame({"id": genotypes.samples["id"], "ALS": status}).to_csv(
        folder / "people.tsv", sep="\t", index=False
    )
    return folder


def prepared(folder, out, build: str | None = "hg19"):
    options = PrepareOptions(
        genotypes=(str(folder / "cohort.bed"),), phenotypes=str(folder / "people.tsv"), label_column="ALS",
        blocks="kb:50", genome_build=build, relatives="none",
    )  # fmt: skip
    return prepare_cohort(options, out)


@pytest.fixture(scope="module")
def task(folder):
    return few_label_task(prepared(folder, folder / "data"), 60)


def test_every_fate_of_a_locus(task):
    table = als_loci_table(task)
    assert table.index.tolist() == read_als_loci()["rsid"].tolist()
    assert table["status"].value_counts().to_dict() == {
        "genotyped": 11, "absent": 1, "other alleles": 1, "removed by quality control": 1,
        "palindromic, strand unknown": 1,
    }  # fmt: skip
    for rsid, status in ((ABSENT, "absent"), (OTHER, "other alleles"), (RARE, "removed by quality control")):
        assert table.loc[rsid, "status"] == status
    assert table.loc[DOUBTFUL, "status"] == "palindromic, strand unknown"
    assert table.loc[PALINDROMIC, "status"] == "genotyped"
    assert table.loc[SWAPPED, "alleles"] == "alleles swapped, corrected"
    assert table.loc[FLIPPED, "alleles"] == "other strand, corrected"
    assert table.loc["rs2453555", "alleles"] == "as published"
    assert table.loc["rs80265967", "odds_ratio"] == pytest.approx(np.exp(-1.0784))


def test_effect_alleles_are_counted_among_the_labelled_few_alone(task):
    genotypes = cohort_with_loci()
    table = als_loci_table(task)
    for rsid in (SWAPPED, "rs2453555"):
        dosage = genotypes.dosage[:, genotypes.variants["id"] == rsid][:, 0].astype(int)
        dosage = pd.Series(2 - dosage if rsid == SWAPPED else dosage, index=genotypes.samples["id"])
        for label, name in enumerate(task.class_names):
            mine = dosage[task.few[task.labels_few == label]]
            row = table.loc[rsid]
            assert (row[f"{name}_carriers"], row[f"{name}_genotyped"]) == ((mine > 0).sum(), len(mine))
            assert row[f"{name}_frequency"] == pytest.approx(mine.mean() / 2)
    assert (table[["case_genotyped", "control_genotyped"]].sum(axis=1) <= 60).all()
    assert table.loc[ABSENT, ["case_genotyped", "control_genotyped"]].sum() == 0


def test_proxies_have_an_r2_only_where_the_locus_was_genotyped(task):
    table = als_loci_table(task)
    assert table.loc[ABSENT, "proxy"] == f"near_{ABSENT}"
    assert table.loc[ABSENT, "proxy_distance"] == 10_000
    assert np.isnan(table.loc[ABSENT, "proxy_r2"])
    assert table.loc[RARE, "proxy_r2"] > 0
    assert (table.loc[table["status"] == "genotyped", "proxy"] == "").all()
    assert (table.loc[table["status"] == "genotyped", "block"] != "").all()


def test_on_another_build_loci_are_found_by_rs_number(folder, tmp_path):
    moved = few_label_task(prepared(folder, tmp_path / "data", "hg38"), 60)
    table = als_loci_table(moved)
    assert table.loc["rs2453555", "status"] == "genotyped"
    assert table.loc[ABSENT, ["status", "proxy"]].tolist() == ["absent", ""]


def test_ridge_contributions_add_up_and_find_the_block_that_decides(task):
    task = few_label_task(task.cohort, None)
    result = run_few_labels(task, [], FewLabelOptions())
    (found,) = attribute_blocks(task, result, [])
    assert found.method == "ridge on dosages"
    assert found.completeness_error < 1e-4
    assert found.table["share"].sum() == pytest.approx(1)
    block = als_loci_table(task).loc["rs80265967", "block"]
    best = found.table.set_index("block").loc[block]
    assert found.table["share"].idxmax() == found.table.index[found.table["block"] == block][0]
    assert best["p"] == best["p_adjusted"] == 1 / 20
    assert best["least"] <= best["most"]
    assert found.table["p"].median() > 0.05
    assert found.stability["top_overlap"] > found.stability["top_overlap_by_chance"]


@pytest.mark.parametrize("mode", ["probe", "full"])
def test_the_network_is_attributed_too(task, tmp_path, mode):
    encoder = save_untrained(task.cohort.featurizer(), tmp_path / "encoder", seen=tuple(task.few))
    result = run_few_labels(task, [encoder], FewLabelOptions(mode=mode))
    biology = add_als_biology(task, result, [encoder], n_permutations=2)
    assert result.biology is biology
    ridge, network = biology.attributions
    assert network.method == result.classifier_name
    assert network.completeness_error < 0.02
    assert network.n_permutations == 2
    assert len(network.table) == task.cohort.featurizer().n_blocks
    assert set(network.table["p"]) <= {1 / 3, 2 / 3, 1.0}
    assert len(ridge.table) == len(network.table)
    assert any("repeat expansions in C9orf72 and ATXN2" in warning for warning in result.warnings)


def test_the_page_of_an_als_run_shows_it(folder, task, tmp_path, capsys):
    arguments = ["--data", str(folder / "data"), "--n-labels", "60", "--no-audit"]
    assert run_command("finetune", [*arguments, "--permutations", "3", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "ALS loci: 11 genotyped" in printed
    page = (tmp_path / "out" / "report.html").read_text()
    for text in (
        "Known ALS biology",
        "rs2453555 tags the founder haplotype",
        "UNC13A",
        "not estimable",
        "permuted labels",
    ):
        assert text in page
    facts = json.loads((tmp_path / "out" / "als_biology.json").read_text())
    assert "Not for clinical use" in facts["not_for_clinical_use"]
    assert len(facts["loci"]) == 15
    assert not any(person in json.dumps(facts) for person in task.test)
    assert run_command("finetune", [*arguments, "--no-als-loci", "--out", str(tmp_path / "without")]) == 0
    assert not (tmp_path / "without" / "als_biology.json").exists()
    assert "Known ALS biology" not in (tmp_path / "without" / "report.html").read_text()


def test_a_label_is_als_by_its_name():
    assert all(is_als(name) for name in ("ALS", "als", "als_status", "is.ALS"))
    assert not any(is_als(name) for name in ("also", "signals", "CAD", None))
