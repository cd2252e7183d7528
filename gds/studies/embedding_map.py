"""Embeddings of people as a table, as pictures coloured by phenotypes, and what the colours explain."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gds.errors import UserError, did_you_mean, require_extra
from gds.files import all_or_none, atomic_path, write_json
from gds.report import figures
from gds.report.page import Page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gds.studies.new_cohort import NewCohort

PROJECTIONS = {"umap": "UMAP", "pca": "principal component"}
DEFAULT_COLOURS = ("label", "population", "batch")
N_NEIGHBOURS = 5
MOST_CATEGORIES = 49  # as many as a figure can tell apart
_PICTURE_DPI = 120


def embed_cohort(folder: str | Path, cohort: "NewCohort") -> pd.DataFrame:
    """Pooled embedding of everyone by the encoder of a model, on a GPU if there is one.

    Returns
    -------
    pandas.DataFrame
        ``id`` and ``embedding_0`` ..., float32; a row a person.
    """
    import torch

    from gds.classifiers.networks.embedding import embed
    from gds.models import GdsModel

    model = GdsModel.from_pretrained(folder).to("cuda" if torch.cuda.is_available() else "cpu")
    values = np.concatenate([embed(model, part) for part in cohort.features()])
    if not np.isfinite(values).all():
        person = cohort.ids[int(np.isfinite(values).all(axis=1).argmin())]
        raise UserError(f"the embedding of {person} is not finite: are the weights of {folder} damaged?")
    table = pd.DataFrame(values, columns=[f"embedding_{k}" for k in range(values.shape[1])])
    table.insert(0, "id", cohort.ids)
    return table


def check_projections(names: Sequence[str], n_people: int) -> None:
    """Refuse a projection before embeddings are computed for it.

    Raises
    ------
    UserError
        Too few people, or umap-learn is not installed.
    """
    if "umap" in names:
        require_extra("umap", "umap")
    least = N_NEIGHBOURS + 2 if "umap" in names else 3
    if n_people < least:
        raise UserError(
            f"{n_people} people: {PROJECTIONS['umap' if 'umap' in names else 'pca']} pictures need at least {least}"
        )


def project(embedding: np.ndarray, name: str, seed: int = 0) -> np.ndarray:
    """Two coordinates a person.

    Parameters
    ----------
    embedding
        Shape (sample, hidden).
    name
        ``"umap"`` (McInnes, Healy and Melville 2018; cosine distance, 5 neighbours) or ``"pca"``.
    seed
        Of UMAP.

    Returns
    -------
    numpy.ndarray
        Shape (sample, 2).
    """
    if name == "pca":
        centred = embedding - embedding.mean(axis=0, dtype=np.float64)
        _, directions = np.linalg.eigh(centred.T @ centred)  # ascending
        leading = directions[:, :-3:-1]
        return centred @ (leading * np.sign(leading[np.abs(leading).argmax(axis=0), [0, 1]]))
    umap = require_extra("umap", "umap")
    # One job, or the seed would not decide.
    reducer = umap.UMAP(n_neighbors=N_NEIGHBOURS, metric="cosine", random_state=seed, n_jobs=1)
    return reducer.fit_transform(embedding)


def choose_colours(
    phenotypes: pd.DataFrame | None, asked: Sequence[str] | None, label_column: str | None = None
) -> tuple[dict[str, pd.Series], list[str]]:
    """Columns to colour people by.

    Parameters
    ----------
    phenotypes
        A row a person; None for no table.
    asked
        Names of columns; None for those of ``label``, ``population`` and ``batch`` that the table has.
    label_column
        Name of the label that the model was trained for, which is then one of them.

    Returns
    -------
    columns : dict
        Name to values.
    skipped : list of str
        A sentence for each column that was not asked for and that no picture could show.

    Raises
    ------
    UserError
        A column that was asked for does not exist, is empty or has too many different texts.
    """
    if phenotypes is None:
        if asked:
            raise UserError("--colour-by needs --phenotypes TABLE")
        return {}, []
    if asked is None:
        names = [
            name
            for name in phenotypes.columns
            if str(name).lower() in DEFAULT_COLOURS or name == label_column
        ]
    else:
        names = list(dict.fromkeys(asked))
    chosen, skipped = {}, []
    for name in names:
        if name not in phenotypes:
            raise UserError(
                f"--colour-by {name}: no such column in the phenotype table; "
                f"{did_you_mean(name, phenotypes.columns)}"
            )
        problem = _undrawable(phenotypes[name])
        if problem and asked is not None:
            raise UserError(f"--colour-by {name}: {problem}")
        if problem:
            skipped.append(f"not coloured by {name}: {problem}")
        else:
            chosen[str(name)] = phenotypes[name]
    return chosen, skipped


def _undrawable(values: pd.Series) -> str:
    """Why no picture can show a column; empty if one can."""
    if values.isna().all():
        return "it has no value for any of these people"
    n = values.nunique()
    if not pd.api.types.is_numeric_dtype(values) and n > MOST_CATEGORIES:
        return f"it holds {n} different texts; at most {MOST_CATEGORIES} can be told apart"
    return ""


def explained_variance(embedding: np.ndarray, columns: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Share of the embedding's variance that lies between the groups of each column of categories.

    The ratio of the sums of squares, between groups over total (eta squared; Fisher 1925); groups
    drawn at random would reach (groups - 1) / (people - 1) on average. People without a value are left
    out, numbers of more than 12 different values are no groups.

    Returns
    -------
    pandas.DataFrame
        Index: column; ``people``, ``groups``, ``share`` and ``by_chance``.
    """
    rows = {}
    for name, values in columns.items():
        if pd.api.types.is_numeric_dtype(values) and values.nunique() > 12:
            continue
        known = values.notna().to_numpy()
        group, names = pd.factorize(values[known])
        x = embedding[known] - embedding[known].mean(axis=0, dtype=np.float64)
        if len(names) < 2 or len(x) <= len(names) or not x.any():
            continue
        means = pd.DataFrame(x).groupby(group).transform("mean").to_numpy()
        rows[name] = {
            "people": len(x),
            "groups": len(names),
            "share": float((means**2).sum() / (x**2).sum()),
            "by_chance": (len(names) - 1) / (len(x) - 1),
        }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["people", "groups", "share", "by_chance"])


def draw(
    points: Mapping[str, np.ndarray], columns: Mapping[str, pd.Series]
) -> list[tuple[str, str, "Figure"]]:
    """A scatter for each column and projection: its column, projection and figure."""
    n = len(next(iter(points.values())))
    shown = columns or {"people": pd.Series(["everyone"] * n)}
    return [
        (column, name, figures.embedding_scatter(where, values, column, axes_label=PROJECTIONS[name]))
        for column, values in shown.items()
        for name, where in points.items()
    ]


@all_or_none()
def write_embeddings(
    table: pd.DataFrame,
    points: Mapping[str, np.ndarray],
    columns: Mapping[str, pd.Series],
    out: str | Path,
    *,
    title: str,
    counts: Mapping[str, Any],
    lines: Iterable[str],
    record: Mapping[str, Any],
) -> pd.DataFrame:
    """Write the table of embeddings, and beside it one picture, one page and a record.

    Parameters
    ----------
    table
        Of :func:`embed_cohort`.
    points
        Projection to coordinates, (sample, 2).
    columns
        Column to values, of :func:`choose_colours`.
    out
        Name of the table, ending in ``.parquet``; it names people and stays local.
    title
        Of the page.
    counts, lines, record
        What was read and aligned, as a record and in words; how the run can be repeated.

    Returns
    -------
    pandas.DataFrame
        :func:`explained_variance`.
    """
    out = Path(out)
    with atomic_path(out) as temporary:
        table.to_parquet(temporary, index=False)
    explained = explained_variance(table.drop(columns="id").to_numpy(), columns)
    drawn = draw(points, columns)
    _write_picture([figure for *_, figure in drawn], len(points), out.with_suffix(".png"))
    page = Page(title, f"{len(table):,} people")
    page.add_section(
        "Where people lie",
        f"Principal components are linear: distances mean something. UMAP (cosine distance, {N_NEIGHBOURS} "
        "neighbours) shows who is near whom; the size and distance of its clusters mean nothing.",
    )
    for column, name, figure in drawn:
        what = f"{PROJECTIONS[name]} 1 and 2 of the embeddings, coloured by {column}"
        page.add_figure(figure, f"{what[0].upper()}{what[1:]}.", f"Scatter: {what}")
    if len(explained):
        page.add_section("What the embedding separates")
        page.add_table(
            explained.rename(columns={"share": "share of variance", "by_chance": "by chance"}),
            "Share of the variance of the embeddings that lies between the groups of a column, and what groups "
            "drawn at random would have. Where batches explain much, labels that go with them will seem predictable.",
        )
    page.add_section("How the cohort met the model", "\n\n".join(lines))
    page.add_record(record)
    page.write(out.with_suffix(".html"))
    write_json(
        out.with_suffix(".json"),
        {"people": len(table), **counts, "explained_variance": explained.to_dict("index"), "record": record},
    )
    return explained


def _write_picture(drawn: "Sequence[Figure]", n_columns: int, path: Path) -> None:
    """All figures, which are of one size, in one PNG of ``n_columns`` columns."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.image import imsave

    from gds.report.style import figure_style

    tiles = []
    with figure_style():
        for figure in drawn:
            figure.set_dpi(_PICTURE_DPI)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            tiles.append(np.asarray(canvas.buffer_rgba()))
    rows = [np.concatenate(tiles[k : k + n_columns], axis=1) for k in range(0, len(tiles), n_columns)]
    with atomic_path(path) as temporary:
        imsave(temporary, np.ascontiguousarray(np.concatenate(rows)))
