"""A polygenic score with its calibration as a folder that meets other people.

::

    DIR/polygenic_score.txt    weights, in the layout of PGS Catalog scoring files: plink2 --score and pgsc_calc read it
    DIR/polygenic_score.json   from score to probability, names of the classes, how it was made; no individuals
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from gds.errors import UserError
from gds.files import read_json, write_json
from gds.genotypes.counts import read_dosage
from gds.genotypes.matrix import GenotypeSource

WEIGHTS, CALIBRATION = "polygenic_score.txt", "polygenic_score.json"
_BUILDS = {"hg19": "GRCh37", "hg38": "GRCh38", "hg18": "NCBI36"}
_COLUMNS = {
    "rsID": "id", "chr_name": "chromosome", "chr_position": "position", "effect_allele": "effect_allele",
    "other_allele": "other_allele",
}  # fmt: skip


@dataclass(frozen=True)
class LinearScore:
    """Log odds of the second class are ``intercept + slope * sum(weight * dosage)``.

    Attributes
    ----------
    variants_
        Columns as of :class:`~gds.genotypes.GenotypeSource`.
    allele_frequency_
        Of their effect alleles in training, (variant,): a missing dosage is twice that.
    weight
        Of each effect allele, (variant,).
    intercept, slope
        From score to log odds, at the class shares of the labelled people.
    class_names
        Of the two classes.
    """

    variants_: pd.DataFrame
    allele_frequency_: np.ndarray
    weight: np.ndarray
    intercept: float
    slope: float
    class_names: list[str]

    # What a new cohort is transformed to: one block of one channel, the score.
    n_blocks = 1
    n_channels = 1

    def transform(self, source: GenotypeSource, samples: np.ndarray) -> np.ndarray:
        """Scores of people whose variants are those of ``variants_``, float64, shape (sample, 1, 1)."""
        dosage = read_dosage(source, np.arange(len(self.weight)), samples)
        filled = np.where(dosage < 0, 2 * self.allele_frequency_, dosage)
        return (filled @ self.weight)[:, None, None]

    def class_probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities, float64 (sample, 2), of scores as :meth:`transform` gives them."""
        positive = expit(self.intercept + self.slope * scores[:, 0, 0])
        return np.column_stack([1 - positive, positive])

    def save_pretrained(self, folder: str | Path, *, genome_build: str | None, **facts: Any) -> None:
        """Write both files into an existing folder.

        Parameters
        ----------
        folder
            Where to.
        genome_build
            Of the variants, None for not known.
        **facts
            What else belongs beside the calibration, e.g. ``method``.
        """
        used = np.flatnonzero(self.weight)
        table = self.variants_.iloc[used][list(_COLUMNS.values())].set_axis(list(_COLUMNS), axis=1)
        table = table.assign(
            effect_weight=self.weight[used], allelefrequency_effect=self.allele_frequency_[used]
        )
        header = {
            "format_version": "2.0", "pgs_id": "none", "pgs_name": facts.get("method", "none"),
            "trait_reported": self.class_names[1], "weight_type": "NR",
            "genome_build": _BUILDS.get(str(genome_build), genome_build or "NR"), "variants_number": len(table),
        }  # fmt: skip
        lines = ["###PGS CATALOG SCORING FILE", *(f"#{name}={value}" for name, value in header.items())]
        with (Path(folder) / WEIGHTS).open("w") as file:
            file.write("\n".join(lines) + "\n")
            table.to_csv(file, sep="\t", index=False)
        write_json(
            Path(folder) / CALIBRATION,
            {"intercept": self.intercept, "slope": self.slope, "class_names": self.class_names,
             "genome_build": genome_build, **facts},
        )  # fmt: skip

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "LinearScore":
        """Read what :meth:`save_pretrained` wrote.

        Raises
        ------
        UserError
            A file is missing or damaged.
        """
        folder = Path(folder)
        description = read_json(folder / CALIBRATION)
        path = folder / WEIGHTS
        try:
            table = pd.read_csv(
                path, sep="\t", comment="#", keep_default_na=False,
                dtype={"rsID": str, "chr_name": str, "effect_allele": str, "other_allele": str},
            )  # fmt: skip
            variants = table[list(_COLUMNS)].rename(columns=_COLUMNS)
            weight, frequency = (
                table[name].to_numpy(np.float64) for name in ("effect_weight", "allelefrequency_effect")
            )
            score = cls(
                variants[["chromosome", "position", "id", "effect_allele", "other_allele"]], frequency, weight,
                float(description["intercept"]), float(description["slope"]), list(description["class_names"]),
            )  # fmt: skip
        except FileNotFoundError as error:
            raise UserError(f"{path} does not exist: {CALIBRATION} needs it beside") from error
        except (KeyError, ValueError, TypeError, pd.errors.ParserError) as error:
            raise UserError(
                f"{folder} holds no polygenic score that can be read ({error}): copy it again, whole"
            ) from error
        if not (np.isfinite(weight).all() and ((frequency >= 0) & (frequency <= 1)).all()):
            raise UserError(f"{path} holds a weight or a frequency that is no number: copy it again, whole")
        return score


def is_linear_score(folder: str | Path) -> bool:
    """Whether a folder holds a polygenic score rather than a network."""
    return (Path(folder) / CALIBRATION).is_file()
