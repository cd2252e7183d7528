"""What an evaluation of synthetic genotypes leaves: a table on the screen, ``metrics.json`` and one page."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.files import all_or_none, write_json
from gds.report import figures
from gds.report.page import Page, format_interval
from gds.report.synthetic_figures import (
    accuracy_by_fraction,
    closest_record_distances,
    ld_decay,
    overlay,
)
from gds.studies.synthetic.evaluation import Evaluation, FigureRow
from gds.studies.synthetic.genotypes import ThreeSets
from gds.studies.synthetic.texts import (
    COLUMNS,
    COVERAGE,
    FRACTION_CAPTION,
    RECOVERY_CAPTION,
    REFERENCES,
    SECTIONS,
)

_SIGNS = {"good": "✓ good", "caution": "! caution", "bad": "✕ bad"}
# Figures named in a verdict at the top.
_MOST_NAMED = 5


@all_or_none()
def write_synthetic_report(
    sets: ThreeSets,
    evaluation: Evaluation,
    folder: str | Path,
    record: Mapping[str, Any],
    *,
    more: list[FigureRow] | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
    umap: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write ``metrics.json``, ``report.html`` and ``run.json``.

    Parameters
    ----------
    sets
        The people.
    evaluation
        Their figures.
    folder
        Where to.
    record
        Of the run.
    more
        Figures of further steps (utility, attacks with the model).
    tables
        Tables of further steps, by caption.
    umap
        Points of ``real``, ``held out`` and ``synthetic``, if they were projected.
    """
    folder = Path(folder)
    rows = evaluation.figures + (more or [])
    write_json(
        folder / "metrics.json",
        {
            "figures": [asdict(row) for row in rows],
            "unit": sets.unit,
            "n": {"train": len(sets.train), "test": len(sets.test), "synthetic": len(sets.synthetic)},
            "n_variants": len(sets.variants),
            "ld_decay": evaluation.fidelity.decay.to_dict("records"),
            "closest_record_quantiles": evaluation.privacy.quantiles.reset_index().to_dict("records"),
            "tables": {name: _records(table) for name, table in (tables or {}).items()},
            "reading": sets.lines,
            "seconds": evaluation.seconds,
        },
    )
    write_json(folder / "run.json", dict(record))
    _page(sets, evaluation, rows, record, tables or {}, umap).write(folder / "report.html")


def screen_table(rows: list[FigureRow]) -> str:
    """The figures as the command prints them."""
    table = _table(rows)
    width = max(len(row.title) for row in rows)
    table.insert(0, "figure".ljust(width), [row.title.ljust(width) for row in rows])
    return table.to_string(index=False)


def _table(rows: list[FigureRow]) -> pd.DataFrame:
    table = pd.DataFrame({"synthetic": [_with_interval(row) for row in rows]})
    table["verdict"] = [_SIGNS.get(row.verdict or "", "–") for row in rows]
    for name, title in REFERENCES.items():
        if any(name in row.references for row in rows):
            table[title] = [_number(row.references.get(name)) for row in rows]
    table["ideal"] = [row.ideal for row in rows]
    return table


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """A table of a further step with names of columns in words, and intervals beside their values."""
    shown = table.rename(columns=COLUMNS)
    if "synthetic_lower" in shown:
        bounds = zip(
            *(shown[name] for name in ("synthetic", "synthetic_lower", "synthetic_upper")), strict=True
        )
        shown["synthetic"] = [format_interval(*each) for each in bounds]
        shown = shown.drop(columns=["synthetic_lower", "synthetic_upper"])
    return shown


def _page(
    sets: ThreeSets,
    evaluation: Evaluation,
    rows: list[FigureRow],
    record: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    umap: Mapping[str, np.ndarray] | None,
) -> Page:
    page = Page(
        "Synthetic genotypes",
        f"{len(sets.synthetic):,} synthetic against {len(sets.train):,} training and {len(sets.test):,} held-out "
        f"{sets.unit}, {len(sets.variants):,} variants",
    )
    _summarise(page, rows)
    for section, (heading, text) in SECTIONS.items():
        here = [row for row in rows if row.section == section]
        if not here:
            continue
        # Not in the caption, which scrolls sideways with a wide table.
        page.add_section(heading, f"{text}\n\n{_rules(here)}")
        table = _table(here)
        table.insert(0, "figure", [row.title for row in here])
        page.add_table(
            table.set_index("figure"),
            f"In brackets: {COVERAGE[section]} % intervals, where there is one.",
        )
        if section == "fidelity":
            _draw_fidelity(page, sets, evaluation, umap)
        if section == "privacy":
            _draw_privacy(page, evaluation)
    for caption, table in tables.items():
        page.add_section(caption.split(":")[0])
        if caption == FRACTION_CAPTION and len(table):
            page.add_figure(
                accuracy_by_fraction(table, float(tables[RECOVERY_CAPTION]["chance"].iloc[0])),
                "Where a full line lies above the broken one of its colour, synthetic people help that classifier.",
                "Accuracy by share of real training people, with and without synthetic people",
            )
        page.add_table(readable(table), caption + ".")
    page.add_section("What was compared", "\n\n".join(sets.lines))
    page.add_record(record)
    return page


def _summarise(page: Page, rows: list[FigureRow]) -> None:
    for section in SECTIONS:
        judged = [row for row in rows if row.section == section and row.verdict]
        if not judged:
            continue
        worst = next(tone for tone in ("bad", "caution", "good") if tone in {row.verdict for row in judged})
        named = [row.title for row in judged if row.verdict == worst]
        n_good = sum(row.verdict == "good" for row in judged)
        text = (
            f"{SECTIONS[section][0]}: {n_good} of {len(judged)} figures are good by the rules printed below"
        )
        if worst != "good":
            shown = ", ".join(named[:_MOST_NAMED])
            more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
            text += f"; {worst}: {shown}{more}"
        page.add_verdict(f"{text}.", worst)  # type: ignore[arg-type]


def _rules(rows: list[FigureRow]) -> str:
    by_rule: dict[str, list[str]] = {}
    for row in rows:
        if row.rule:
            by_rule.setdefault(row.rule, []).append(row.title)
    return "\n\n".join(f"Rule for {'; '.join(titles)}: {rule}." for rule, titles in by_rule.items())


def _draw_fidelity(
    page: Page, sets: ThreeSets, evaluation: Evaluation, umap: Mapping[str, np.ndarray] | None
) -> None:
    correlation = next(row.value for row in evaluation.figures if row.name == "allele_frequency_r")
    page.add_figure(
        figures.allele_frequencies(
            sets.train.mean(axis=0) / sets.ploidy,
            sets.synthetic.mean(axis=0) / sets.ploidy,
            correlation=correlation,
        ),
        "Each point is a variant; on the dotted line its frequency among synthetic people is the real one.",
        "Scatter of synthetic against real allele frequencies",
    )
    assert evaluation.fidelity.scores is not None
    real, synthetic = evaluation.fidelity.scores
    if real.shape[1] > 1:
        page.add_figure(
            overlay({"real": real, "held out": evaluation.held_out_scores, "synthetic": synthetic}),
            "Components fitted to training people. Synthetic people should lie where real ones lie, everywhere that "
            "real ones lie, and nowhere else.",
            "Real, held-out and synthetic people on two principal components",
        )
    if umap is not None:
        page.add_figure(
            overlay(umap, axes_label="UMAP"),
            "UMAP (cosine distance, 5 neighbours) of all three sets together. A cloud of synthetic people only is a "
            "kind of people that does not exist. Distances between clouds mean nothing.",
            "Real, held-out and synthetic people in a UMAP",
        )
    if len(evaluation.fidelity.decay) > 1:
        references = {
            REFERENCES[name]: evaluation.reference_decay[name]
            for name in ("independent_sites", "gaussian_threshold")
        }
        page.add_figure(
            ld_decay(evaluation.fidelity.decay, references),
            "Linkage disequilibrium falls with distance; the synthetic line should lie on the real one.",
            "Mean r2 of pairs of variants by distance",
        )


def _draw_privacy(page: Page, evaluation: Evaluation) -> None:
    assert evaluation.privacy.closest is not None
    page.add_figure(
        closest_record_distances(*evaluation.privacy.closest),
        "Where synthetic rows lie left of held-out ones, the generator has come nearer to its training people than "
        "other people do. A peak at 0 is copies.",
        "Distances of synthetic and held-out rows to the nearest training row",
    )
    page.add_table(
        evaluation.privacy.quantiles.reset_index().rename(columns=COLUMNS),
        "Quantiles of these distances, in alleles: of synthetic and of held-out rows to the nearest training row.",
        {"quantile": ".2f", "synthetic": ".0f", "held out": ".0f"},
    )


def _with_interval(row: FigureRow) -> str:
    nan = float("nan")
    value, lower, upper = (nan if each is None else each for each in (row.value, row.lower, row.upper))
    return format_interval(value, lower, upper)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.reset_index()
    return plain.astype(object).where(plain.notna(), None).to_dict("records")
