"""What every pre-training run leaves in its folder: a claim, the people seen, curves, the record."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from gds.errors import UserError
from gds.features.dataset import PreparedCohort
from gds.files import atomic_path, read_json, write_json
from gds.provenance import run_record
from gds.report.run_figures import RunCurves, learning_curves
from gds.studies.pretraining.config import PretrainConfig
from gds.studies.pretraining.initial_weights import InitialWeights
from gds.training.curves import curve_records


def claim_folder(
    folder: Path, config: PretrainConfig, cohort: PreparedCohort, seed: int, initial: InitialWeights | None
) -> None:
    """Mark the folder as that of this run, so that only the same run is ever resumed in it.

    Raises
    ------
    UserError
        It is that of another run.
    """
    description = {
        **described(config),
        "seed": seed,
        "features": cohort.description.featurizer_fingerprint,
        "training_people": len(cohort.ids("train")),
        **({} if initial is None else {"initial weights": initial.record()["weights"]}),
    }
    claim = folder / "checkpoints" / "pretraining.json"
    if not claim.is_file():
        write_json(claim, description)
        return
    found = read_json(claim)
    changed = sorted(key for key in description if found.get(key) != description[key])
    if changed:
        raise UserError(
            f"{folder} holds a run with other {', '.join(changed)}: choose another --output-dir, "
            f"or delete {claim.parent} to start anew"
        )


def write_people_seen(
    cohort: PreparedCohort,
    folder: Path,
    initial: InitialWeights | None = None,
    featurizer_people: pd.Index | None = None,
) -> None:
    """``people.tsv``: who was trained on and who was scored. Local; no push takes it along.

    ``featurizer_people`` are those whom a featurizer of another cohort was fitted on.
    """
    people = cohort.people[cohort.people["split"] != "test"]
    roles = people["split"].map({"train": "featurizer and training", "validation": "validation loss"})
    for role, ids in (
        ("initial weights", None if initial is None else initial.people()),
        ("featurizer", featurizer_people),
    ):
        if ids is not None:
            roles = pd.concat([roles, pd.Series(role, index=ids.difference(roles.index))])
    with atomic_path(folder / "people.tsv") as temporary:
        pd.DataFrame({"used_for": roles}).to_csv(temporary, sep="\t", index_label="id")


def write_curves(history: list[dict[str, Any]], levels: pd.DataFrame | None, folder: Path) -> None:
    """The curves and the errors by noise level as tables, and all as a picture."""
    if levels is not None:
        with atomic_path(folder / "noise_levels.csv") as temporary:
            levels.to_csv(temporary, index=False)
    records = curve_records(history)
    with atomic_path(folder / "curves.csv") as temporary:
        records.to_csv(temporary, index=False)
    with atomic_path(folder / "curves.png") as temporary:
        learning_curves({"validation": RunCurves(records, levels)}).savefig(temporary, dpi=150)


def pretraining_record(
    config: PretrainConfig,
    cohort: PreparedCohort,
    seed: int,
    initial: InitialWeights | None,
    *,
    model: Any,
    history: list[dict[str, Any]],
    **facts: Any,
) -> dict[str, Any]:
    """How to make the model again, and how well it fits; nothing about an individual.

    Parameters
    ----------
    config, cohort, seed, initial
        Of the run.
    model
        As it was trained.
    history
        What the trainer logged.
    **facts
        Further entries, e.g. ``steps`` and ``processes``.
    """
    last = {key: value for entry in history for key, value in entry.items() if key.startswith("eval_")}
    return run_record(
        seed,
        [cohort.folder / "cohort.json"],
        config=described(config),
        genome_build=cohort.description.genome_build,
        label_column=cohort.description.label_column,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        training_people=len(cohort.ids("train")),
        validation_people=len(cohort.ids("validation")),
        final=last,
        init_from=None if initial is None else initial.record(),
        **facts,
    )


def described(config: PretrainConfig) -> dict[str, Any]:
    """A configuration for JSON; without the section of differential privacy where there is none."""
    return {name: value for name, value in asdict(config).items() if name != "privacy" or value}
