"""Sex, age, batch and plate: what a cohort's table holds beside the disease."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.simulate.people import apportion

# Among people with ALS there are about 1.35 men to one woman (Manjaly et al. 2010: 1.2 to 1.5).
MALE_SHARE = {True: 1.35 / 2.35, False: 0.5}
# Age at onset of cases and at interview of controls, which are recruited a little younger.
AGE_MEAN = {True: 62.0, False: 59.0}
AGE_SD = 12.0
AGE_LIMITS = (18, 95)
PLATE = 96  # wells
PUBLISHED_CASE_SHARE = 0.63


def batch_shares(
    confounding: str | Mapping[str, tuple[float, float]], n_cases: int, n_controls: int
) -> dict[str, tuple[float, float]]:
    """Share of all cases and share of all controls in each batch.

    Parameters
    ----------
    confounding
        ``"none"``: four batches, each with a quarter of the cases and of the controls. ``"published"``: as
        in the cohort whose published ALS accuracy its batches explain, one batch of controls only
        and one of 63 % cases. Or the shares themselves, ``{batch: (of cases, of controls)}``.
    n_cases, n_controls
        People.

    Raises
    ------
    UserError
        An unknown name, shares that do not sum to 1, or too few controls for ``"published"``.
    """
    if confounding == "none":
        return dict.fromkeys(("A", "B", "C", "D"), (0.25, 0.25))
    if confounding == "published":
        beside_cases = n_cases * (1 / PUBLISHED_CASE_SHARE - 1)
        if beside_cases >= n_controls:
            raise UserError(
                f"batch_confounding 'published' needs more than {beside_cases:.0f} controls beside {n_cases} "
                f"cases, found {n_controls}: ask for more controls or another batch_confounding"
            )
        share = beside_cases / n_controls
        return {"A": (0.0, 1 - share), "B": (1.0, share)}
    if isinstance(confounding, str):
        raise UserError(
            f"expected batch_confounding 'none', 'published' or shares of cases and controls for each batch, "
            f"found {confounding!r}"
        )
    shares = {str(name): (float(cases), float(controls)) for name, (cases, controls) in confounding.items()}
    for column, what in ((0, "cases"), (1, "controls")):
        values = [share[column] for share in shares.values()]
        if not np.isclose(sum(values), 1) or min(values) < 0:
            raise UserError(f"expected the batches' shares of {what} to sum to 1, found {values}")
    return shares


def draw_batches(
    is_case: np.ndarray, shares: Mapping[str, tuple[float, float]], rng: np.random.Generator
) -> pd.DataFrame:
    """Columns batch and plate, (person,): exact numbers per batch, people at random; plates of 96."""
    batch = np.empty(len(is_case), dtype=object)
    for label, column in ((True, 0), (False, 1)):
        rows = rng.permutation(np.flatnonzero(is_case == label))
        counts = apportion(len(rows), np.array([share[column] for share in shares.values()]))
        batch[rows] = np.repeat(np.array(list(shares), dtype=object), counts)
    plate = np.empty(len(is_case), dtype=object)
    for name in shares:
        rows = rng.permutation(np.flatnonzero(batch == name))
        plate[rows] = [f"{name}-{number // PLATE + 1:03d}" for number in range(len(rows))]
    return pd.DataFrame({"batch": batch, "plate": plate}).astype(str)


def draw_sex_and_age(is_case: np.ndarray, associated: bool, rng: np.random.Generator) -> pd.DataFrame:
    """Columns sex (1 male, 2 female) and age (whole years), (person,).

    Parameters
    ----------
    is_case
        (person,).
    associated
        Whether cases are more often male and a little older, as in ALS; otherwise all are drawn as controls.
    rng
        Source of both.
    """
    like_case = is_case if associated else np.zeros_like(is_case)
    male = rng.random(len(is_case)) < np.where(like_case, MALE_SHARE[True], MALE_SHARE[False])
    age = np.where(like_case, AGE_MEAN[True], AGE_MEAN[False]) + AGE_SD * rng.standard_normal(len(is_case))
    return pd.DataFrame(
        {
            "sex": np.where(male, 1, 2).astype(np.int8),
            "age": np.clip(np.round(age), *AGE_LIMITS).astype(np.int64),
        }
    )
