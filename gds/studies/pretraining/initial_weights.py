"""Pre-training that goes on from a model made before, on this disk or on the hub, with the featurizer it knows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.files import sha256
from gds.models import GdsConfig
from gds.repository import WEIGHTS, local_folder
from gds.studies.few_labels.label_provenance import read_label_provenance
from gds.studies.pretraining.config import DECIDED_BY_DATA
from gds.studies.run_folder import people_seen

_OBJECTIVES = {
    "GdsForDiffusion": "diffusion", "GdsForMaskedModeling": "masked", "GdsForContrastive": "contrastive",
}  # fmt: skip


@dataclass(frozen=True)
class InitialWeights:
    """Where a run starts.

    Attributes
    ----------
    name
        As the user gave it: a folder or ``ORG/NAME[@REVISION][/FOLDER]``.
    folder
        The local folder, or the cached one of the hub.
    config
        Of the model there.
    """

    name: str
    folder: Path
    config: GdsConfig

    @classmethod
    def open(cls, name: str) -> "InitialWeights":
        """Find a model to start from.

        Raises
        ------
        UserError
            There is none, or it was trained on labels: pre-training reads none, and whoever uses its result counts
            on that.
        """
        folder = local_folder(name)
        provenance = read_label_provenance(folder)
        if provenance is None or provenance.n_labels:
            raise UserError(
                f"--init-from {name}: it was trained with labels, and what is pre-trained must have seen none: start "
                "from the encoder that it came from"
            )
        return cls(name, folder, GdsConfig.from_pretrained(folder))

    @property
    def objective(self) -> str | None:
        """Of the model's head; None for an encoder alone."""
        return _OBJECTIVES.get((self.config.architectures or ["none"])[0])

    def options(self) -> dict[str, Any]:
        """The ``model`` section that describes the same network."""
        from transformers import PreTrainedConfig

        names = (
            set(GdsConfig.__dataclass_fields__) - set(PreTrainedConfig.__dataclass_fields__) - DECIDED_BY_DATA
        )
        return {name: getattr(self.config, name) for name in sorted(names)}

    def featurizer(self) -> Featurizer:
        """What turns genotypes into the features that the weights know."""
        return Featurizer.from_pretrained(self.folder)

    def people(self) -> pd.Index:
        """Ids of the people whom the model saw; empty for one of the hub, which does not say."""
        return people_seen(self.folder)

    def load(self, model_class: Any, config: GdsConfig, featurizer: Featurizer) -> Any:
        """The model with these weights; a head of another objective is new.

        Raises
        ------
        UserError
            The cohort's features are not those of the model, or the configuration describes another network.
        """
        if self.featurizer().fingerprint() != featurizer.fingerprint():
            raise UserError(
                f"--init-from {self.name}: its weights belong to its own featurizer, and this cohort was prepared with "
                "another: give --genotypes in place of --data, so that it is prepared with that one"
            )
        config.architectures = self.config.architectures
        try:
            return model_class.from_pretrained(self.folder, config=config)
        except RuntimeError as error:
            raise UserError(
                f"--init-from {self.name}: its weights do not have the shapes of the network that the model section, "
                "preset or overrides describe: leave those out, and the network is that of the weights"
            ) from error

    def record(self) -> dict[str, str]:
        """For ``run.json``."""
        return {"name": self.name, "weights": sha256(self.folder / WEIGHTS)}
