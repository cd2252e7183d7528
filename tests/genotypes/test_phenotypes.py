"""Phenotype tables as people have them."""

import numpy as np
import pytest

from gds.errors import UserError
from gds.genotypes import read_phenotypes

TAB = 'id\tALS\tage\tsite\n001\t1\t60\t"St. Mary"\n2\tNA\t\tB\n'


@pytest.mark.parametrize(
    "text",
    [
        TAB,
        TAB.replace("\t", ","),
        TAB.replace("\t", "  ").replace("    B", "  NA  B"),
        TAB.replace("id\t", '"IID"\t').replace("001", '"001"'),
        TAB.replace("id\t", "#IID\t"),
        TAB.replace("\n", "\r\n"),
        TAB.replace("site\n", "site\t\t\n"),
        TAB + "\n\n",
        "\ufeff" + TAB,
        TAB.replace("NA", "-9"),
    ],
)
def test_separators_quotes_and_missing_values(tmp_path, text):
    (tmp_path / "t.txt").write_bytes(text.encode())
    table = read_phenotypes(tmp_path / "t.txt")
    assert table.index.tolist() == ["001", "2"]
    assert table.index.name == "id"
    assert list(table.columns) == ["ALS", "age", "site"]
    np.testing.assert_array_equal(table["ALS"], [1, np.nan])
    np.testing.assert_array_equal(table["age"], [60, np.nan])
    assert table["site"].tolist() == ["St. Mary", "B"]


def test_minus_nine_among_negative_numbers_is_a_measurement(tmp_path):
    (tmp_path / "t.tsv").write_text("id\tchange\tcase\na\t-9\t-9\nb\t-3.5\t1\n")
    table = read_phenotypes(tmp_path / "t.tsv")
    assert table["change"].tolist() == [-9, -3.5]
    assert np.isnan(table["case"].iloc[0])


def test_the_id_column_is_found_or_named(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("FID\tIID\tperson\nf\ta\tx\nf\tb\ty\n")
    assert read_phenotypes(path).index.tolist() == ["a", "b"]
    assert read_phenotypes(path, id_column="person").index.tolist() == ["x", "y"]
    with pytest.raises(UserError, match="did you mean 'person'"):
        read_phenotypes(path, id_column="persn")
    path.write_text("name\tage\na\t3\n")
    with pytest.raises(UserError, match=r"none of its columns \(name, age\) .* --id-column"):
        read_phenotypes(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id\tx\na\t1\na\t2\n", "sample ids must be unique, but 1 occur more than once \\('a'\\)"),
        (b"id\tx\na\t1\n\t2\n", "line 3: no id in column 'id'"),
        (b"id\tx\na\t1\t2\n", "line 2: expected 2 columns as in the header, found 3"),
        (b"id\tx\ty\na\t1\n", "line 2: expected 3 columns as in the header, found 2"),
        (b"id\tx\tx\na\t1\t2\n", "two columns are called 'x'"),
        (b"id\tx\n", "has no rows"),
        (b"PK\x03\x04\xff\xfe", "is not a text file: save it with columns divided by tabs or commas"),
    ],
)
def test_tables_that_cannot_be_read_say_where(tmp_path, content, message):
    (tmp_path / "t.tsv").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_phenotypes(tmp_path / "t.tsv")
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_phenotypes(tmp_path / "absent.tsv")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "shape", "first"),
    [
        ("kg_chr22/kg.panel", (2504, 3), "HG00096"),
        ("penncath/clinical.csv", (1401, 6), "10002"),
        ("mouse/mouse.pheno.tsv", (1430, 4), "m1"),
    ],
)
def test_real_tables(shared_data, name, shape, first):
    table = read_phenotypes(shared_data / name)
    assert table.shape == shape
    assert table.index[0] == first
