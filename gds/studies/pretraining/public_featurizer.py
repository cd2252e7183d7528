"""A featurizer of other people, so that nothing of it is about those whom a private run protects."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gds.errors import UserError
from gds.features.dataset import PreparedCohort
from gds.features.featurizer import Featurizer
from gds.studies.run_folder import people_seen


@dataclass(frozen=True)
class PublicFeaturizer:
    """What ``--dp-public`` names.

    Attributes
    ----------
    folder
        A prepared cohort, or the folder of a model.
    """

    folder: Path

    @classmethod
    def open(cls, folder: str | Path) -> "PublicFeaturizer":
        """Find it.

        Raises
        ------
        UserError
            There is no featurizer, or nobody knows whom it was fitted on.
        """
        folder = Path(folder)
        is_cohort = (folder / "cohort.json").is_file()
        if not is_cohort and not (folder / "preprocessor_config.json").is_file():
            raise UserError(
                f"--dp-public {folder}: expected a cohort of gds prepare, or a model's folder with its featurizer"
            )
        if not is_cohort and not (folder / "people.tsv").is_file():
            raise UserError(
                f"--dp-public {folder} does not say whom it was fitted on (people.tsv), so that nobody can check that "
                "they are other people"
            )
        return cls(folder)

    def featurizer(self) -> Featurizer:
        """What turns genotypes into features."""
        inside = self.folder / "featurizer"
        return Featurizer.from_pretrained(inside if inside.is_dir() else self.folder)

    def people(self) -> pd.Index:
        """Ids of those whom it, or the model beside it, has seen."""
        if (self.folder / "cohort.json").is_file():
            people = PreparedCohort(self.folder).people
            return people.index[people["split"] == "train"]
        return people_seen(self.folder)

    def check(self, cohort: PreparedCohort) -> None:
        """Refuse a cohort that it did not make the features of, or whose training people it knows.

        Raises
        ------
        UserError
            Either.
        """
        if self.featurizer().fingerprint() != cohort.description.featurizer_fingerprint:
            raise UserError(
                f"{cohort.folder} was prepared with another featurizer than that of --dp-public {self.folder}: give "
                "--genotypes in place of --data, and it is prepared with that one"
            )
        refuse_shared(self.people(), cohort, f"the featurizer of --dp-public {self.folder}")


def refuse_shared(ids: pd.Index, cohort: PreparedCohort, what: str) -> None:
    """Refuse a run whose training people have been used without protection before.

    Raises
    ------
    UserError
        Some have.
    """
    shared = pd.Index(cohort.ids("train")).intersection(ids)
    if len(shared):
        raise UserError(
            f"{what} has seen {len(shared)} of the people whom this run is to protect, e.g. "
            f"{', '.join(map(str, shared[:3]))}: it must be of other people"
        )
