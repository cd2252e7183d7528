"""Members and others as the attacked model sees them: features by its own featurizer, a person's rows together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.genotypes import read_genotypes
from gds.genotypes.alignment import align_genotypes
from gds.studies.new_cohort import recorded
from gds.studies.synthetic.genotypes import ThreeSets, is_hapt


@dataclass(frozen=True)
class AttackedPeople:
    """People on whom an attack is tried.

    Attributes
    ----------
    features
        As the model takes them, shape (row, block, channel); the rows of a person are consecutive.
    rows_a_person
        1, or 2 where rows are haplotypes.
    n_members
        The first so many people were trained on; the others were not.
    lines
        What was found of the model's variants and people, in words.
    """

    features: np.ndarray
    rows_a_person: int
    n_members: int
    lines: list[str]

    @property
    def n_people(self) -> int:
        """Members and others together."""
        return len(self.features) // self.rows_a_person

    @property
    def is_member(self) -> np.ndarray:
        """bool (person,)."""
        return np.arange(self.n_people) < self.n_members

    def rows_of(self, people: np.ndarray) -> np.ndarray:
        """Rows of the given people (indices), in their order."""
        return (self.rows_a_person * people[:, None] + np.arange(self.rows_a_person)).ravel()

    def by_person(self, values: np.ndarray) -> np.ndarray:
        """Sums over the rows of each person, of values by row in the last axis."""
        return values.reshape(*values.shape[:-1], self.n_people, self.rows_a_person).sum(axis=-1)


def read_attacked_people(
    model: str | Path,
    real: Sequence[str],
    holdout: Sequence[str],
    sets: ThreeSets,
    *,
    legend: str | None = None,
) -> AttackedPeople:
    """Features of the people of an evaluation.

    Parameters
    ----------
    model
        Folder of the generator, with its featurizer.
    real, holdout
        The files that the sets were read from.
    sets
        Who is compared, and whether rows are people or haplotypes.
    legend
        Sites of .hapt files.

    Raises
    ------
    UserError
        The model has seen people of ``holdout``, or the files lack its variants.
    """
    featurizer = Featurizer.from_pretrained(model)
    lines = _check_who_was_seen(Path(model), sets)
    parts = []
    for name, files in (("train", real), ("test", holdout)):
        genotypes = read_genotypes(
            list(files), phased=sets.ploidy == 1, legend=legend if is_hapt(files) else None
        )
        order = pd.Index(genotypes.samples["id"].astype(str)).get_indexer(pd.unique(sets.ids[name]))
        people = genotypes.subset(order)
        aligned = align_genotypes(
            people.as_haploid() if sets.ploidy == 1 else people,
            featurizer.variants_,
            featurizer.allele_frequency_,
            genome_build=recorded(model, "genome_build"),
        )
        lines.append(
            f"{name}: {aligned.report.found} of the {len(featurizer.variants_)} variants of the model"
        )
        parts.append(featurizer.transform(aligned, np.arange(len(aligned.samples))))
    n_members = len(parts[0]) // sets.rows_a_person()
    return AttackedPeople(np.concatenate(parts), sets.rows_a_person(), n_members, lines)


def _check_who_was_seen(model: Path, sets: ThreeSets) -> list[str]:
    """Compare with the model's local list of people, where it is here."""
    if not (model / "people.tsv").is_file():
        return ["the model does not say whom it has seen (people.tsv): --real is believed to be them"]
    table = pd.read_csv(model / "people.tsv", sep="\t", dtype=str, keep_default_na=False)
    trained = set(table.loc[table["used_for"].str.contains("training|initial weights"), "id"])
    others, members = (pd.unique(sets.ids[name]) for name in ("test", "train"))
    seen = [name for name in others if name in trained]
    if seen:
        raise UserError(
            f"{len(seen)} people of --holdout were trained on by {model} (its people.tsv), e.g. {', '.join(seen[:3])}: "
            "give people whom it has never seen"
        )
    n_known = sum(name in trained for name in members)
    return [f"{n_known} of the {len(members)} people of --real are among those the model was trained on"]
