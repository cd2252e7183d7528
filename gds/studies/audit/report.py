"""What an audit leaves: metrics.json, and a page with the figures behind its verdict."""

from pathlib import Path

import pandas as pd

from gds.errors import UserError
from gds.files import all_or_none, write_json
from gds.genotypes import read_phenotypes
from gds.provenance import NOT_CLINICAL, run_record
from gds.report import figures
from gds.report.page import Page, Tone
from gds.studies.audit.confounders import RULE as CONFOUNDER_RULE
from gds.studies.audit.held_out_groups import shown_groups
from gds.studies.audit.run import Audit
from gds.studies.audit.verdict import RULE


@all_or_none()
def write_audit(audit: Audit, folder: str | Path) -> list[str]:
    """Write ``metrics.json`` and ``report.html``; the lines that a user should see."""
    folder = Path(folder)
    record = run_record(audit.options.seed, options=vars(audit.options))
    tables = {
        "sources": audit.alone.reset_index(),
        "effects": audit.effects,
        "groups": audit.groups,
        "permutations": audit.permuted.reset_index(),
        "ancestry": audit.ancestry.reset_index(),
        "ceiling": audit.ceiling.table.reset_index(),
    }
    write_json(
        folder / "metrics.json",
        {
            "not_for_clinical_use": NOT_CLINICAL,
            "verdict": audit.verdict.line(),
            "status": [finding.status for finding in audit.verdict.findings],
            "causes": list(audit.verdict.causes),
            "rule": RULE,
            "ceiling": audit.ceiling.ceiling,
            "related_pairs": len(audit.pairs.pairs) if audit.pairs.is_estimable else None,
            "test_people_with_a_relative_in_training": audit.straddling.n_related
            if audit.straddling
            else None,
            "notes": audit.cohort.notes,
            **{name: _records(table) for name, table in tables.items()},
            "record": record,
        },
    )
    page = _page(audit, tables)
    page.add_record(record)
    page.write(folder / "report.html")
    return [
        f"audit: {audit.verdict.line()}",
        f"rule: {RULE}",
        f"report: {folder / 'report.html'}",
    ]


def _page(audit: Audit, tables: dict[str, pd.DataFrame]) -> Page:
    n = len(audit.cohort.labels)
    page = Page("Audit of a genetic result", f"Cohort {audit.cohort.name}: {n:,} labelled people")
    tones: dict[str, Tone] = {"clean": "good", "underpowered": "caution"}
    page.add_verdict(audit.verdict.line(), tones.get(audit.verdict.status, "bad"))
    page.add_section("The rule", " ".join([RULE, *audit.cohort.notes]))
    page.add_section("What predicts the label without a genotype of the disease", CONFOUNDER_RULE)
    drawn = audit.alone.rename(columns={"auroc": "value"})[["value", "lower", "upper"]]
    own = (
        tables["ceiling"].set_index("result").rename(columns={"auroc": "value"})[["value", "lower", "upper"]]
    )
    roles = dict.fromkeys(drawn.index, "confounder") | dict.fromkeys(own.index, "baseline")
    page.add_figure(
        figures.metric_by_method(
            pd.concat([own, drawn]), "AUROC", chance=0.5, ceiling=audit.ceiling.ceiling, roles=roles
        ),
        "Results among people alike in covariates and ancestry, above what each source alone predicts.",
        "AUROC of results and of sources",
    )
    for name, caption in (
        ("sources", "Each source alone, over the same folds."),
        ("effects", "What a result keeps among people alike in a source, and what it gains over the source."),
        (
            "groups",
            "AUROC within each group, and with the group held out whole: not estimable where it has one class. "
            "Of families: over folds that divide them, and over folds that hold them out whole.",
        ),
        ("permutations", "With labels permuted, among everyone and within batches."),
        ("ancestry", "Within groups of ancestry."),
        ("ceiling", "Among people alike in covariates and ancestry; accuracy without any adjustment."),
    ):
        page.add_table(shown_groups(tables[name]) if name == "groups" else tables[name], caption)
    return page


def read_scores(path: str | Path) -> pd.Series:
    """Column ``score`` of a table of people, indexed by id.

    Raises
    ------
    UserError
        There is no such column.
    """
    table = read_phenotypes(path)
    if "score" not in table:
        raise UserError(f"{path} has no column score: found {', '.join(map(str, table.columns))}")
    return table["score"]


def read_ids(path: str | Path, flag: str) -> list[str]:
    """Ids of variants or of people, one a line."""
    try:
        found = Path(path).read_text().split()
    except OSError as error:
        raise UserError(f"{flag} {path}: {error.strerror}") from error
    if not found:
        raise UserError(f"{flag} {path}: the file is empty, expected one id a line")
    return found


def _records(table: pd.DataFrame) -> list[dict]:
    """Rows for JSON, which knows no NaN."""
    plain = table.astype(object)
    return plain.where(plain.notna(), None).to_dict("records")
