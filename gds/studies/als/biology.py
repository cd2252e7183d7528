"""What is known of ALS, held against a few-label run: published loci, and the blocks that the methods rest on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gds.studies.als.block_attributions import BlockAttributions, attribute_blocks
from gds.studies.als.loci_table import als_loci_table
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import FewLabelTask

REPEATS = (
    "Repeat expansions in C9orf72 and ATXN2 are major causes of ALS, and SNPs do not genotype them: at best they tag "
    "them. rs2453555 tags the founder haplotype of the C9orf72 expansion, but most people with that haplotype do not "
    "have the expansion. Nothing here says whether a person carries one: that needs a test of its own"
)


@dataclass(frozen=True)
class AlsBiology:
    """The section on ALS of a run's page.

    Attributes
    ----------
    loci
        As of :func:`~gds.studies.als.loci_table.als_loci_table`.
    attributions
        Of ridge regression and of the first encoder's classifier.
    """

    loci: pd.DataFrame
    attributions: list[BlockAttributions]

    def record(self) -> dict[str, Any]:
        """For JSON: every locus, every method's blocks."""
        return {
            "repeat_expansions": REPEATS,
            "loci": _rows(self.loci.reset_index()),
            "attributions": [
                {
                    "method": each.method, "how": each.how, "stability": each.stability,
                    "completeness_error": each.completeness_error, "permutations": each.n_permutations,
                    "blocks": _rows(each.table),
                }
                for each in self.attributions
            ],
        }  # fmt: skip


def add_als_biology(
    task: FewLabelTask,
    result: FewLabelResult,
    encoders: list[Path],
    *,
    n_permutations: int | None = None,
    seed: int = 0,
) -> AlsBiology:
    """Find the published loci and attribute the run's predictions to blocks; kept in ``result.biology``.

    Parameters
    ----------
    task, result, encoders
        Of the run.
    n_permutations, seed
        As of :func:`~gds.studies.als.block_attributions.attribute_blocks`.
    """
    attributions = []
    if len(task.class_names) == 2:
        attributions = attribute_blocks(task, result, encoders, n_permutations=n_permutations, seed=seed)
    result.biology = AlsBiology(als_loci_table(task), attributions)
    result.warnings.append(REPEATS[0].lower() + REPEATS[1:])
    return result.biology


def summary_lines(biology: AlsBiology) -> list[str]:
    """The few lines that a user should see on the screen."""
    counts = biology.loci["status"].value_counts()
    return [f"ALS loci: {', '.join(f'{n} {status}' for status, n in counts.items())}"]


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON, which knows no NaN."""
    plain = table.astype(object)
    return plain.where(plain.notna(), None).to_dict("records")
