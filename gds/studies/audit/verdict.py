"""One line: what is wrong with a result, if anything is, by a rule that is printed with it.

The questions, in the order in which their answers explain each other: chosen variants make every later figure
too good; then relatives; then confounders; what is left above the ceiling has no known cause. A result with
none of these is clean, unless the study was too small to have seen a signal at the ceiling.

Each of the four questions is asked at level .5 %, 2 % in all (Bonferroni). docs/audit.md has the error rates
measured on simulated cohorts.
"""

from dataclasses import dataclass
from typing import Literal

ALPHA = 0.005
QUESTIONS = 4
STRADDLING_SHARE = 0.01
SMALLEST_WORTHWHILE = 0.6  # AUROC that a study must be able to see where no ceiling is stated

Status = Literal["clean", "confounded", "related", "selected", "above the ceiling", "underpowered"]
RULE = (
    f"Four questions in this order, each at level {ALPHA:g} ({QUESTIONS * ALPHA:.0%} in all). (1) Selected on test "
    "people: tested people are recorded among those whose labels chose the variants; or the association statistics of "
    "the variants have a hole at zero (permutation), and it is not wider among training people alone. (2) Related "
    f"people across the split: at least {STRADDLING_SHARE:.0%} of test people, and two of them, have a relative of "
    "second degree or closer in training, and these relatives move their scores towards their own labels (t test over "
    "families). (3) Confounded: a source that is no genotype predicts the label and the result does not hold "
    "without it. (4) Above the ceiling: the lower bound of the AUROC among people alike in covariates, ancestry "
    "and principal components exceeds what the stated heritability allows. Otherwise underpowered, if a result at "
    f"the ceiling (without a stated one: AUROC {SMALLEST_WORTHWHILE}) could be missed with more than 20 %; "
    "otherwise clean."
)


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    Attributes
    ----------
    status
        What it would be called.
    text
        The figures, in a sentence without a final stop.
    causes
        Names of confounders, the strongest first.
    """

    status: Status
    text: str
    causes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """As the first words of the verdict."""
        if self.status == "confounded":
            return f"confounded by {', '.join(self.causes)}"
        return {
            "clean": "clean",
            "related": "related people across the split",
            "selected": "selected on test people",
            "above the ceiling": "above the ceiling: look for leakage",
            "underpowered": "underpowered",
        }[self.status]


@dataclass(frozen=True)
class Verdict:
    """The first finding, and all others.

    Attributes
    ----------
    findings
        In the order of the questions; never empty.
    """

    findings: tuple[Finding, ...]

    @property
    def status(self) -> Status:
        """Of the first finding."""
        return self.findings[0].status

    @property
    def causes(self) -> tuple[str, ...]:
        """Confounders, where that is the verdict."""
        return self.findings[0].causes

    def line(self) -> str:
        """The verdict in one line."""
        first, *others = self.findings
        also = f" Also: {'; '.join(finding.headline for finding in others)}." if others else ""
        return f"{first.headline}: {first.text}.{also}"
