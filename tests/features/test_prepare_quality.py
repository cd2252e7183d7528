"""What preparing removes, in which order, and that nothing vanishes without a word."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gds.cli import run_command
from gds.features.gene_pca import GenePCA
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.features.splits import split_people
from gds.genotypes import Genotypes, assign_blocks, open_genotypes, write_genotypes

N, M, N_X = 100, 1200, 400
BAD_CALLS, MIXED, TWIN, COPY, WRONG_SEX = 4, 11, 20, 21, 30
RARE, UNCALLED, HETEROZYGOUS, HOMOZYGOUS = 3, 5, 7, 9


@pytest.fixture(scope="module")
def genotypes():
    """Twelve chromosomes and X with one fault of each kind: people by row, variants by column."""
    rng = np.random.default_rng(1)
    frequency = rng.uniform(0.2, 0.8, M + N_X)
    sex = np.resize([1, 2], N).astype(np.int8)
    dosage = rng.binomial(2, frequency, (N, M + N_X)).astype(np.int8)
    men = np.flatnonzero(sex == 1)
    dosage[np.ix_(men, np.arange(M, M + N_X))] = 2 * rng.binomial(1, frequency[M:], (len(men), N_X))
    dosage[BAD_CALLS, :200] = -1
    dosage[MIXED, : M // 2] = 1
    dosage[COPY] = dosage[TWIN]
    dosage[COPY, 100:104] = -1
    sex[COPY] = sex[TWIN]
    sex[WRONG_SEX] = 3 - sex[WRONG_SEX]
    dosage[:, RARE] = 0
    dosage[::10, UNCALLED] = -1
    dosage[:, HETEROZYGOUS] = 1
    dosage[:, HOMOZYGOUS] = np.resize([0, 2], N)
    samples = pd.DataFrame({"id": [f"P{i:03d}" for i in range(N)], "family": "", "sex": sex})
    variants = pd.DataFrame(
        {
            "chromosome": [*np.repeat([str(c) for c in range(1, 13)], M // 12), *["X"] * N_X],
            "position": [*np.tile(np.arange(M // 12) * 600_000 + 5_000_000, 12),
                         *(np.arange(N_X) * 200_000 + 5_000_000)],
            "id": [f"v{i}" for i in range(M + N_X)], "effect_allele": "A", "other_allele": "G",
        }
    )  # fmt: skip
    return Genotypes(dosage=dosage, samples=samples, variants=variants)


@pytest.fixture(scope="module")
def options(genotypes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    write_genotypes(genotypes, folder / "cohort.bed")
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {
            "id": genotypes.samples["id"], "status": np.resize([0, 1, 1, 0, 0], N), "cd8": rng.normal(size=N),
            "age": rng.integers(30, 80, N),
        }
    )  # fmt: skip
    table.to_csv(folder / "table.tsv", sep="\t", index=False)
    return PrepareOptions(
        genotypes=(str(folder / "cohort.bed"),), phenotypes=str(folder / "table.tsv"), label_column="status",
        blocks="window:20", n_components=2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def cohort(options, tmp_path_factory):
    return prepare_cohort(replace(options, pcs=2), tmp_path_factory.mktemp("prepared") / "data")


def test_every_removed_person_is_named_with_a_reason(cohort):
    removed = cohort.people[cohort.people["split"] == "removed"]["removed_because"].to_dict()
    assert removed == {
        f"P{BAD_CALLS:03d}": "call rate",
        f"P{MIXED:03d}": "heterozygosity",
        f"P{COPY:03d}": "duplicates",
        f"P{WRONG_SEX:03d}": "sex",
    }
    assert len(cohort.people) == N
    assert sum(map(len, (cohort.ids(split) for split in ("train", "validation", "test")))) == N - 4
    dataset = cohort.dataset()
    assert not {name for split in dataset for name in dataset[split]["id"]} & set(removed)
    listed = pd.read_csv(cohort.folder / "qc_removed_people.tsv", sep="\t")
    assert set(listed["id"]) == set(removed)


def test_variants_are_judged_and_counted(cohort):
    kept = cohort.kept_variants()
    assert kept.max() < M, "X is for the sex check"
    assert not {RARE, UNCALLED, HETEROZYGOUS} & set(kept.tolist())
    assert HOMOZYGOUS in kept, "too few heterozygotes is what several ancestries look like"
    removed = cohort.description.removed
    assert removed["people_removed"] == 4
    assert removed["variants_removed"] == M - len(kept)
    assert removed["variants_failing_allele_frequency"] == 1
    report = json.loads((cohort.folder / "qc.json").read_text())
    assert report["genotypes"] == {"variants": M, "not_on_autosomes": N_X}
    assert report["relatives"]["method"] == "skipped"
    assert "10,000" in report["relatives"]["why"]
    assert report["blocks"]["variants"] == len(kept)
    assert set(cohort.featurizer().variants_["id"]) == {f"v{i}" for i in kept}


def test_filters_can_be_told_otherwise(options, tmp_path):
    strict = prepare_cohort(
        replace(
            options, keep_few_heterozygotes=False, min_allele_count=60, heterozygosity_sd=0, sex_check=False
        ),
        tmp_path / "data",
    )
    assert HOMOZYGOUS not in strict.kept_variants()
    assert strict.description.removed["variants_failing_allele_frequency"] > 1
    assert strict.description.removed["people_removed"] == 2


def test_without_quality_control_everything_is_kept(options, genotypes, tmp_path):
    cohort = prepare_cohort(replace(options, qc=False), tmp_path / "data")
    assert cohort.kept_variants().tolist() == list(range(M))
    ids = genotypes.samples["id"].to_numpy(dtype=str)
    labels = np.resize([0, 1, 1, 0, 0], N)
    split = split_people(ids, strata=labels, seed=0)
    assert cohort.people["split"].tolist() == split.tolist()
    source = open_genotypes(list(options.genotypes))
    blocks = assign_blocks(source.variants, "window:20")
    fitted = GenePCA(n_components=2).fit(source, blocks, np.flatnonzero(split == "train"))
    assert cohort.featurizer().fingerprint() == fitted.fingerprint()
    expected = fitted.transform(source, np.flatnonzero(split == "test"))
    np.testing.assert_array_equal(cohort.features("test"), expected)
    assert "as asked for" in cohort.quality()["quality"]["people"]


@pytest.mark.parametrize("blocks", ["window:20", "ld:0.1"])
def test_test_people_decide_no_variant_component_or_block(options, genotypes, cohort, tmp_path, blocks):
    """Genotypes of test people are shuffled among them, a variant that only they carry becomes common."""
    options = replace(options, pcs=2, blocks=blocks)
    before = prepare_cohort(options, tmp_path / "before")
    outside = np.flatnonzero(before.people["split"].isin(["validation", "test"]))
    changed = genotypes.dosage.copy()
    changed[outside, :M] = changed[np.roll(outside, 1), :M]
    changed[np.ix_(outside[::2], [RARE])] = 2
    changed[np.ix_(outside, [40])] = -1
    write_genotypes(replace(genotypes, dosage=changed), tmp_path / "changed.bed")
    after = prepare_cohort(replace(options, genotypes=(str(tmp_path / "changed.bed"),)), tmp_path / "after")
    assert after.people["split"].tolist() == before.people["split"].tolist()
    assert 40 in after.kept_variants()
    assert RARE not in after.kept_variants()
    for name in ("kept_variants.npy", "qc_removed_variants.tsv", "featurizer/preprocessor.safetensors"):
        assert (before.folder / name).read_bytes() == (after.folder / name).read_bytes()
    train = before.ids("train")
    pd.testing.assert_frame_equal(before.people.loc[train], after.people.loc[train])
    assert (before.people.loc[before.ids("test"), "PC1"] != after.people.loc[before.ids("test"), "PC1"]).any()


def test_removing_test_people_from_the_files_changes_nothing_fitted(options, genotypes, tmp_path):
    before = prepare_cohort(options, tmp_path / "before")
    table = pd.read_csv(options.phenotypes, sep="\t").set_index("id")
    table["split"] = before.people["split"].replace("removed", "train")
    table.to_csv(tmp_path / "table.tsv", sep="\t")
    # Not the one whose copy was removed: the copy would then stay.
    gone = np.setdiff1d(before.ids("test"), [f"P{TWIN:03d}"])[:5]
    fewer = genotypes.subset(samples=~genotypes.samples["id"].isin(gone).to_numpy())
    write_genotypes(fewer, tmp_path / "fewer.bed")
    after = prepare_cohort(
        replace(
            options, genotypes=(str(tmp_path / "fewer.bed"),), phenotypes=str(tmp_path / "table.tsv"),
            split_column="split",
        ),
        tmp_path / "after",
    )  # fmt: skip
    assert set(after.people.query("split == 'removed'").index) == set(
        before.people.query("split == 'removed'").index
    )
    for name in ("kept_variants.npy", "qc_removed_variants.tsv", "featurizer/preprocessor.safetensors"):
        assert (before.folder / name).read_bytes() == (after.folder / name).read_bytes()


def test_components_of_people_are_columns(cohort):
    assert cohort.description.pc_columns == ["PC1", "PC2"]
    assert {"PC1", "PC2"} <= set(cohort.dataset()["test"].column_names)
    train = cohort.people.loc[cohort.ids("train"), ["PC1", "PC2"]].to_numpy()
    np.testing.assert_allclose(train.T @ train, np.diag(np.diag(train.T @ train)), atol=1e-8)
    assert cohort.people.loc[f"P{COPY:03d}", ["PC1", "PC2"]].isna().all()


def test_a_measurement_is_cut_at_the_median_of_training_people(options, tmp_path):
    options = replace(options, label_column="cd8", label_threshold="median")
    cohort = prepare_cohort(options, tmp_path / "data")
    train = cohort.people.loc[cohort.ids("train")]
    assert cohort.description.label_names == ["low", "high"]
    assert cohort.description.label_threshold == train["cd8"].median()
    expected = (cohort.people["cd8"] > train["cd8"].median()).astype(int)
    assert cohort.people["label"].tolist() == expected.tolist()

    table = pd.read_csv(options.phenotypes, sep="\t").set_index("id")
    table["split"] = cohort.people["split"].replace("removed", "train")
    table.loc[cohort.ids("test"), "cd8"] += 100
    table.to_csv(tmp_path / "table.tsv", sep="\t")
    moved = prepare_cohort(
        replace(options, phenotypes=str(tmp_path / "table.tsv"), split_column="split"), tmp_path / "moved"
    )
    assert moved.description.label_threshold == cohort.description.label_threshold
    assert (moved.people.loc[moved.ids("test"), "label"] == 1).all()


def test_families_of_a_column_stay_together(options, tmp_path):
    table = pd.read_csv(options.phenotypes, sep="\t")
    table["family"] = [f"F{i // 4}" for i in range(N)]
    table.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    cohort = prepare_cohort(
        replace(options, phenotypes=str(tmp_path / "table.tsv"), group_column="family"), tmp_path / "data"
    )
    people = cohort.people[cohort.people["split"] != "removed"]
    assert (people.groupby("family")["split"].nunique() == 1).all()
    assert cohort.has_relatives
    assert cohort.quality()["relatives"]["column"] == "family"


def test_a_family_with_some_labels_can_be_tested(options, tmp_path):
    table = pd.read_csv(options.phenotypes, sep="\t")
    table["family"] = [f"F{i // 4}" for i in range(N)]
    table.loc[table.index % 4 == 3, "cd8"] = None
    table.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    cohort = prepare_cohort(
        replace(
            options, phenotypes=str(tmp_path / "table.tsv"), group_column="family", label_column="cd8",
            label_threshold="median",
        ),
        tmp_path / "data",
    )  # fmt: skip
    assert len(cohort.ids("test")) >= 15
    people = cohort.people[cohort.people["split"] != "removed"]
    assert (people.groupby("family")["split"].nunique() == 1).all()


def test_the_command_prints_what_was_removed(options, tmp_path, capsys):
    arguments = [
        "--genotypes",
        *options.genotypes,
        "--phenotypes",
        options.phenotypes,
        "--label-column",
        "cd8",
    ]
    arguments += ["--label-threshold", "median", "--pcs", "2", "--blocks", "kb:5000", "--max-variants", "4"]
    assert run_command("prepare", [*arguments, "--out", str(tmp_path / "data")]) == 0
    printed = capsys.readouterr().out
    for expected in (
        "heterozygosity",
        "kept 96 of 100",
        "kinship was skipped",
        "high: cd8 above",
        "removed ",
    ):
        assert expected in printed
    assert run_command("prepare", [*arguments, "--no-qc", "--out", str(tmp_path / "data")]) == 0
    assert "nobody was checked" in capsys.readouterr().out
