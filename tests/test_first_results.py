"""The page of first results says what the committed tables say."""

from pathlib import Path

import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = REPOSITORY / "benchmarks" / "results"

TABLES = {
    "first_results_mouse": (["trait", "method", "labels"], "auroc"),
    "first_results_penncath": (["method", "labels"], "auroc"),
    "first_results_kg_805": (["method"], "accuracy"),
    "first_results_simulated": (["heritability", "labels"], "auroc"),
    "label_efficiency_kg_805": (["method", "budget"], "value"),
}


@pytest.mark.parametrize("name", TABLES)
def test_figures_are_those_of_the_tables(name):
    page = (REPOSITORY / "docs" / "first-results.md").read_text()
    keys, metric = TABLES[name]
    table = pd.read_csv(RESULTS / f"{name}.csv")
    if name.startswith("label_efficiency"):
        on_page = table["method"].isin(["HWE-EM", "LDA on PCs", "logistic on PCs", "ridge on dosages"])
        table = table[on_page & (table["metric"] == "accuracy") & (table["budget"] != "all")]
    cells = table.groupby(keys)[metric].agg(["mean", "std"])
    for key, (mean, deviation) in zip(cells.index, cells.to_numpy(), strict=True):
        assert f"{mean:.3f} ± {deviation:.3f}" in page, key
