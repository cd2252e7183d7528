"""Synthetic people as a data set of the hub: Parquet for ``load_dataset``, genotype files for everything else.

Real people are never pushed. A file counts as synthetic if its header says that ``gds generate`` wrote it, every
sample id is one of that command's, and the record that the command left beside it speaks of as many people.
"""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.files import read_json
from gds.genotypes import GenotypeSource, open_genotypes, write_genotypes
from gds.hub.dataset_card import dataset_card
from gds.hub.figures import read_figures
from gds.hub.publication import Publication

_ENDINGS = (".pgen", ".vcf.gz")
_PROVENANCE = "##gdsProvenance=gds generate "
_SYNTHETIC_ID = r"SYN\d{6,}"
_ROWS_A_FILE = 2**28  # dosages


def assemble_dataset(
    file: str | Path,
    out: Path,
    *,
    repo_id: str,
    metrics: Sequence[str | Path],
    licence: str = "other",
    data_use: str | None = None,
) -> Publication:
    """Write a data set of synthetic people to an empty folder.

    Parameters
    ----------
    file
        ``.pgen`` or ``.vcf.gz`` that ``gds generate`` wrote, with its ``.run.json`` beside it.
    out
        Where to write.
    repo_id
        For the card.
    metrics
        ``metrics.json`` of ``gds evaluate``: the card carries its figures of fidelity and privacy.
    licence, data_use
        For the card.

    Raises
    ------
    UserError
        The people are not known to be synthetic, or were not evaluated.
    """
    file = Path(file)
    ending = next((ending for ending in _ENDINGS if file.name.endswith(ending)), None)
    if ending is None:
        raise UserError(
            f"--dataset {file}: expected {' or '.join(_ENDINGS)} by gds generate; other files have no header that says "
            "where their people come from"
        )
    if not metrics:
        raise UserError(
            "synthetic people are published with their evaluation: gds evaluate first, then --metrics OUT/metrics.json"
        )
    source = open_genotypes([str(file)])
    stem = file.with_name(file.name.removesuffix(ending))
    provenance = check_synthetic(source, file, Path(f"{stem}.run.json"))
    labels = _labels(source, Path(f"{stem}.labels.tsv"))
    # Written anew, so that nothing else that the file may hold goes along.
    write_genotypes(source, out / "genotypes" / f"synthetic{ending}", provenance=provenance)
    _write_parquet(source, labels, out / "data")
    figures = [figure for path in metrics for figure in read_figures(path)]
    card = dataset_card(repo_id, source, labels, provenance, figures, ending, licence, data_use)
    (out / "README.md").write_text(card, encoding="utf-8")
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    return Publication(out, files, [f"synthetic people only: {provenance}"])


def check_synthetic(source: GenotypeSource, file: Path, record: Path) -> str:
    """How synthetic people were made, from the header of their file.

    Raises
    ------
    UserError
        Anything suggests that they are real.
    """
    provenance = next((line for line in _header(file) if line.startswith(_PROVENANCE)), None)
    ids = source.samples["id"].astype(str)
    odd = ids[~ids.str.fullmatch(_SYNTHETIC_ID)]
    said = read_json(record).get("n") if record.is_file() else None
    if provenance is None:
        problem = "its header does not say that gds generate wrote it"
    elif len(odd):
        problem = f"{len(odd)} of its sample ids are not those of synthetic people (SYN000001, ...)"
    elif said != len(ids):
        problem = f"{record.name}, the record of gds generate, is missing or speaks of {said} people, not {len(ids)}"
    else:
        return provenance.partition("=")[2]
    raise UserError(f"{file}: {problem}: real people are never pushed")


def _header(file: Path) -> list[str]:
    """Lines that begin with ## of a VCF, or of the .pvar beside a .pgen."""
    path = file.with_suffix(".pvar") if file.name.endswith(".pgen") else file
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        found: list[str] = []
        for line in lines:
            if not line.startswith("##"):
                return found
            found.append(line.rstrip("\n"))
    return found


def _labels(source: GenotypeSource, table: Path) -> pd.Series | None:
    """The class that each person was asked to have, where there were classes."""
    if not table.is_file():
        return None
    labels = pd.read_csv(table, sep="\t", dtype=str, index_col="id")["label"]
    found = labels.reindex(source.samples["id"])
    if found.isna().any():
        raise UserError(f"{table}: no label for {found.isna().sum()} of the people: is it of another file?")
    return found


def _write_parquet(source: GenotypeSource, labels: pd.Series | None, folder: Path) -> None:
    """``people-*.parquet``, a row a person, and ``variants.parquet``, a row for each entry of their dosages."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    columns = ["chromosome", "position", "id", "effect_allele", "other_allele"]
    variants = pa.Table.from_pandas(source.variants[columns], preserve_index=False)
    pq.write_table(variants, folder / "variants.parquet")
    dosage = np.ascontiguousarray(source.read(slice(0, len(source.variants))))
    n_samples, n_variants = dosage.shape
    step = max(1, _ROWS_A_FILE // n_variants)
    starts = range(0, n_samples, step)
    for number, start in enumerate(starts):
        rows = dosage[start : start + step]
        offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int64) * n_variants)
        table: dict[str, Any] = {"id": pa.array(source.samples["id"].iloc[start : start + step].astype(str))}
        if labels is not None:
            table["label"] = pa.array(labels.iloc[start : start + step].astype(str))
        table["dosage"] = pa.LargeListArray.from_arrays(offsets, pa.array(rows.reshape(-1)))
        pq.write_table(pa.table(table), folder / f"people-{number:05d}-of-{len(starts):05d}.parquet")
