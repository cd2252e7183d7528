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
from gds.report.synthetic_figures import closest_record_distances, ld_decay, overlay
from gds.studies.synthetic_evaluation import Evaluation, FigureRow
from gds.studies.synthetic_genotypes import ThreeSets

REFERENCES = {
    "real_half": "real half",
    "held_out": "held out",
    "unseen_people": "unseen half",
    "independent_sites": "independent sites",
    "gaussian_threshold": "Gaussian threshold",
    "exact_frequencies": "exact frequencies",
    "one_variant_changed": "copies, 1 changed",
}
_SIGNS = {"good": "✓ good", "caution": "! caution", "bad": "✕ bad"}
_SECTIONS = {
    "fidelity": (
        "Fidelity",
        "Are synthetic people like the real ones the generator was trained on? Real half: two random halves of the "
        "training people against each other, the best that can be had of that many people. Held out: people that "
        "nothing was trained on. Independent sites keep allele frequencies only; the Gaussian threshold model keeps "
        "frequencies and pairwise LD in closed form: a trained generator has to earn its place beside it. AATS "
        "averages two parts that can fail in opposite directions, so it gets no verdict.",
    ),
    "privacy": (
        "Privacy",
        "Do synthetic people give away those trained on? Unseen half: real people that nothing was trained on, in "
        "the place of synthetic ones; no figure may see a leak there. Copies: training people of whom one variant was "
        "changed, which every figure of fidelity takes for perfect; every figure but that of exact copies must see "
        "them. The generators in closed form say what frequencies, and frequencies with pairwise LD, give away. Exact "
        "frequencies: what the best test would reach if the training frequencies were published, in closed form. An "
        "attack is shown at false-positive rates with at least ten expected false positives. Each interval covers "
        "99.7 %, so that a generator that gives nothing away is flagged anywhere in at most 3.2 % of evaluations. No "
        "figure is a guarantee; only training with differential privacy gives one.",
    ),
}
_COVERAGE = {"fidelity": "95", "privacy": "99.7"}
RECOVERY_CAPTION = (
    "Utility: accuracy on held-out real people of classifiers trained on real people and on as many synthetic ones; "
    "recovery is their ratio, to be read beside chance"
)
FRACTION_CAPTION = (
    "Real and synthetic people together: accuracy on held-out real people by the share of real training people; "
    "a generator that saw everyone's labels makes this a statement about the generator, not about few labels"
)


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
    table.insert(0, "figure", [row.title for row in rows])
    return table.to_string(index=False)


def _table(rows: list[FigureRow]) -> pd.DataFrame:
    table = pd.DataFrame({"synthetic": [_with_interval(row) for row in rows]})
    table["verdict"] = [_SIGNS.get(row.verdict or "", "–") for row in rows]
    for name, title in REFERENCES.items():
        if any(name in row.references for row in rows):
            table[title] = [_number(row.references.get(name)) for row in rows]
    table["ideal"] = [row.ideal for row in rows]
    return table


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
    for section, (heading, text) in _SECTIONS.items():
        here = [row for row in rows if row.section == section]
        if not here:
            continue
        # Not in the caption, which scrolls sideways with a wide table.
        page.add_section(heading, f"{text}\n\n{_rules(here)}")
        table = _table(here)
        table.insert(0, "figure", [row.title for row in here])
        page.add_table(
            table.set_index("figure"),
            f"In brackets: {_COVERAGE[section]} % intervals, where there is one.",
        )
        if section == "fidelity":
            _draw_fidelity(page, sets, evaluation, umap)
        if section == "privacy":
            _draw_privacy(page, evaluation)
    for caption, table in tables.items():
        page.add_section(caption.split(":")[0])
        page.add_table(table, caption)
    page.add_section("What was compared", "\n\n".join(sets.lines))
    page.add_record(record)
    return page


def _summarise(page: Page, rows: list[FigureRow]) -> None:
    for section in _SECTIONS:
        judged = [row for row in rows if row.section == section and row.verdict]
        if not judged:
            continue
        worst = next(tone for tone in ("bad", "caution", "good") if tone in {row.verdict for row in judged})
        named = [row.title for row in judged if row.verdict == worst]
        n_good = sum(row.verdict == "good" for row in judged)
        text = (
            f"{_SECTIONS[section][0]}: {n_good} of {len(judged)} figures are good by the rules printed below"
        )
        if worst != "good":
            text += f"; {worst}: {', '.join(named)}"
        page.add_verdict(f"{text}.", worst)  # type: ignore[arg-type]


def _rules(rows: list[FigureRow]) -> str:
    by_rule: dict[str, list[str]] = {}
    for row in rows:
        if row.rule:
            by_rule.setdefault(row.rule, []).append(row.title)
    return " ".join(f"Rule for {'; '.join(titles)}: {rule}." for rule, titles in by_rule.items())


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
        evaluation.privacy.quantiles.reset_index(),
        "Quantiles of these distances, in alleles.",
        {"quantile": ".2f", "synthetic": ".0f", "held_out": ".0f"},
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
