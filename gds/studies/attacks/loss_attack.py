"""Membership inference by the model's own loss: people trained on are those it predicts better than it should."""

from pathlib import Path

import numpy as np
import pandas as pd

from gds.evaluation.membership import calibrated_scores, membership_figures
from gds.generation.generator import GenotypeGenerator
from gds.studies.attacks.attacked_people import AttackedPeople
from gds.studies.attacks.shadows import ShadowRecipe, shadow_losses
from gds.studies.synthetic.evaluation import FigureRow, figure_rows
from gds.studies.synthetic.scores import PRIVACY_LEVEL, Scores
from gds.training.person_losses import person_losses


def loss_attack(
    model: str | Path,
    people: AttackedPeople,
    folder: str | Path,
    *,
    n_shadows: int,
    n_draws: int = 32,
    seed: int = 0,
) -> pd.DataFrame:
    """Attack a generator by its loss, as it is and against shadow models.

    Parameters
    ----------
    model
        Folder of a generator.
    people
        Members and others.
    folder
        Of the evaluation, where shadow models are kept.
    n_shadows
        Number of shadow models, even; 0: only the loss itself, which finds people who are easy for every model along
        with those remembered.
    n_draws
        Noise levels or mask ratios over which a loss is averaged.
    seed
        Of everything random.

    Returns
    -------
    pandas.DataFrame
        Index ``attack`` (``loss`` and, with shadow models, ``calibrated_loss``) and ``figure``; columns as
        :func:`gds.evaluation.membership.membership_figures` gives them.
    """
    recipe = ShadowRecipe.of(model) if n_shadows else None
    attacked = GenotypeGenerator.from_pretrained(model).model
    losses = people.by_person(person_losses(attacked, people.features, n_draws=n_draws, seed=seed))
    scores = {"loss": -losses}
    if recipe is not None:
        shadows, is_out = shadow_losses(
            recipe, people, folder, n_models=n_shadows, n_draws=n_draws, seed=seed
        )
        scores["calibrated_loss"] = calibrated_scores(losses, shadows, is_out)
    tables = {name: _figures(score, people.is_member, seed) for name, score in scores.items()}
    return pd.concat(tables, names=["attack", "figure"])


def loss_attack_rows(table: pd.DataFrame) -> list[FigureRow]:
    """The figures of :func:`loss_attack` as the page and ``metrics.json`` show them."""
    values = {
        f"{attack}_attack_{figure}": (row["value"], row["lower"], row["upper"])
        for (attack, figure), row in table.iterrows()
    }
    return figure_rows({"synthetic": Scores(values=values)})


def _figures(score: np.ndarray, is_member: np.ndarray, seed: int) -> pd.DataFrame:
    return membership_figures(score[is_member], score[~is_member], level=PRIVACY_LEVEL, seed=seed)
