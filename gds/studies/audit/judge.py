"""From the figures of an audit to its verdict."""

from typing import TYPE_CHECKING

from gds.studies.audit.verdict import ALPHA, SMALLEST_WORTHWHILE, STRADDLING_SHARE, Finding, Verdict

if TYPE_CHECKING:
    from gds.studies.audit.run import Audit


def judge(audit: "Audit") -> Verdict:
    """Answer the four questions in their order; see :data:`gds.studies.audit.verdict.RULE`."""
    answers = (_selected(audit), _related(audit), _confounded(audit), _above_ceiling(audit))
    found = tuple(answer for answer in answers if answer is not None)
    return Verdict(found or (_nothing_found(audit),))


def _selected(audit: "Audit") -> Finding | None:
    signs, cohort = audit.selection, audit.cohort
    if cohort.n_tested_choosers:
        text = (
            f"{cohort.n_tested_choosers} of {int(cohort.is_tested.sum())} people who are tested are recorded among "
            "those whose labels chose the variants"
        )
    elif signs.chosen_by_labels(ALPHA) and not signs.on_training_only:
        text = (
            f"of the weaker half of associations {signs.near_zero:.0%} lie near zero, {signs.expected:.0%} are "
            f"expected of variants that were not chosen by these people's labels (p = {signs.p_value:.1g})"
        )
    else:
        return None
    if audit.reselected is not None:
        drop, _, p = audit.results[0].auroc().minus(audit.reselected)
        text += (
            f"; chosen anew inside the folds AUROC is {audit.reselected.value:.3f} instead of "
            f"{audit.results[0].auroc().value:.3f} (inflation {drop:.3f}, p = {p:.1g})"
        )
    return Finding("selected", text)


def _related(audit: "Audit") -> Finding | None:
    found = audit.straddling
    if found is None or found.n_related < max(2, STRADDLING_SHARE * found.n_tested):
        return None
    # NaN, no families enough to tell, is no accusation either.
    if not found.p_value < ALPHA or found.with_them is None or found.without is None:
        return None
    return Finding(
        "related",
        f"{found.n_related} of {found.n_tested} test people have a relative among the training people, which moves "
        f"their scores towards their labels (p = {found.p_value:.1g}); AUROC on the split "
        f"{found.with_them.value:.3f}, learned without those relatives {found.without.value:.3f}",
    )


def _confounded(audit: "Audit") -> Finding | None:
    effects = audit.effects[audit.effects["reading"].isin(["confounds", "cannot be separated"])]
    if effects.empty:
        return None
    alone = audit.alone["auroc"]
    # First the source that predicts best by itself; of equals the first in the table, a batch before its plates.
    names = sorted(effects["source"].unique(), key=lambda name: -round(alone[name], 2))
    worst = effects[effects["source"] == names[0]].sort_values("loss_p").iloc[0]
    text = f"{names[0]} alone predicts the label with AUROC {alone[names[0]]:.3f}; {worst['result']} reaches "
    if worst["reading"] == "cannot be separated":
        text += f"{worst['raw']:.3f}, and no people alike in {names[0]} differ in their label"
    else:
        text += (
            f"{worst['raw']:.3f}, among people alike in {names[0]} {worst['adjusted']:.3f} "
            f"({worst['adjusted_lower']:.3f}–{worst['adjusted_upper']:.3f})"
        )
    return Finding("confounded", text, tuple(names))


def _above_ceiling(audit: "Audit") -> Finding | None:
    ceiling = audit.ceiling.ceiling
    if ceiling is None:
        return None
    for name, found in audit.ceiling.adjusted.items():
        # One bound a result: the level is shared among them.
        bound = found.lower_bound(ALPHA / len(audit.ceiling.adjusted))
        if bound > ceiling:
            return Finding(
                "above the ceiling",
                f"{name} reaches AUROC {found.value:.3f} (at least {bound:.3f}) among people alike in covariates and "
                f"ancestry, the stated heritability allows {ceiling:.3f}",
            )
    return None


def _nothing_found(audit: "Audit") -> Finding:
    check = audit.ceiling
    goal = SMALLEST_WORTHWHILE if check.ceiling is None else check.ceiling
    against = (
        f"the ceiling {goal:.3f}" if check.ceiling is not None else f"an AUROC of {goal} (no ceiling stated)"
    )
    if check.detectable > goal:
        return Finding(
            "underpowered",
            f"an AUROC below {check.detectable:.3f} cannot be told from chance with these people, "
            f"{against} could be missed",
        )
    own = audit.main_results()[-1]
    found = check.adjusted[own.name]
    lower, upper = found.interval()
    shown = "a genetic signal is shown" if found.lower_bound(0.025) > 0.5 else "no genetic signal is shown"
    return Finding(
        "clean",
        f"no confounder, leak or selection was found and {shown}: {own.name} has AUROC "
        f"{found.value:.3f} ({lower:.3f}–{upper:.3f}) among people alike in covariates and ancestry, against {against}",
    )
