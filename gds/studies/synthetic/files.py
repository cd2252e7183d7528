"""Synthetic people from a model to genotype files, by one process or many, resumed where an earlier run was killed."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gds
from gds.features.resources import Processes
from gds.features.shared_folder import SharedFolder
from gds.files import all_or_none, atomic_path, sha256, write_json
from gds.generation.chunks import Chunks, Draw, threads_for_chunks
from gds.generation.generator import GenotypeGenerator
from gds.genotypes import write_genotypes
from gds.genotypes.write import ending_of
from gds.provenance import run_record
from gds.studies.pretraining.privacy_record import KEY, read_privacy_record


def write_synthetic(
    model: Path,
    out: str,
    draw: Draw,
    *,
    name: str,
    label_names: Sequence[str] = (),
    keep_features: bool = False,
    processes: Processes | None = None,
) -> list[str] | None:
    """Draw people, decode them, and write all files of them or none.

    Chunks gather in the hidden folder ``.NAME.chunks`` beside the result. A run that was killed is started again
    with the same command, by as many processes as one likes: finished chunks stay and the bytes are the same. Beside
    the genotypes go ``STEM.run.json``, the record; ``STEM.labels.tsv``, the class of each person, where there are
    classes; and ``STEM.features.npy``, if asked for.

    Parameters
    ----------
    model
        Folder of a generator.
    out
        The genotype file.
    draw
        What to draw.
    name
        Of the model, for the header.
    label_names
        Of the classes in ``draw.labels``.
    keep_features
        Whether to keep the features before decoding, float32 or int8 (sample, block, channel).
    processes
        Which of how many this is; None: the only one.

    Returns
    -------
    list of str or None
        What was written, for the screen; None in processes that are not the first.

    Raises
    ------
    UserError
        An ending that cannot be written, or anything that generation refuses.
    """
    ending_of(out)
    processes = processes or Processes()
    files = _model_files(model)
    privacy = read_privacy_record(model)
    generator = GenotypeGenerator.from_pretrained(model, _device())
    # Refused before anything is drawn: what the sampler refuses.
    labels = None if draw.labels is None else draw.labels[:0]
    generator.generate(0, labels, guidance_scale=draw.guidance_scale)
    generator.n_passes(draw.num_inference_steps, draw.temperature, draw.corrector_sweeps)
    request = _request(files, draw, generator.model.device.type)
    path = Path(out)
    shared = SharedFolder(path.with_name(f".{path.name}.chunks"), request, processes)
    chunks = Chunks(shared.path, draw, request)
    own = range(processes.rank, len(chunks), processes.world_size)
    if shared.is_first:
        shared.clear()
        n_found = len(chunks) - len(chunks.missing())
        shared.claim()
    else:
        shared.wait_for_claim()
    if generator.model.device.type == "cpu":
        with threads_for_chunks(chunks.bytes_to_draw_one(generator)) as n_threads:
            chunks.make(generator, own, n_threads=n_threads)
    else:
        chunks.make(generator, own)
    if not shared.is_first:
        shared.wait_for_end()
        return None
    shared.wait_for_others(lambda: not chunks.missing())
    stem = out[: -len(ending_of(out))]
    provenance = _provenance(name, draw, files)
    if privacy is not None:
        provenance += f"; {privacy.sentence()}"
    source = chunks.source(generator)
    with all_or_none():
        write_genotypes(source, out, provenance=provenance)
        if keep_features:
            with atomic_path(f"{stem}.features.npy") as temporary:
                chunks.write_features(temporary)
        if draw.labels is not None:
            with atomic_path(f"{stem}.labels.tsv") as temporary:
                table = source.samples[["id"]].assign(label=[label_names[label] for label in draw.labels])
                table.to_csv(temporary, sep="\t", index=False)
        record = _record(draw, files, label_names, provenance, processes, len(chunks), n_found)
        write_json(f"{stem}.run.json", record | ({} if privacy is None else {KEY: privacy.content()}))
    shared.remove()
    lines = [f"{out}: {draw.n:,} synthetic people, {len(source.variants):,} variants"]
    if n_found:
        lines.append(
            f"  {n_found} of {len(chunks)} chunks were found from an earlier run of the same command"
        )
    return lines


def _device() -> str | None:
    """Each process of one machine its own GPU."""
    if not torch.cuda.is_available():
        return None
    return f"cuda:{int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count()}"


def _model_files(folder: Path) -> list[Path]:
    """Everything in a model's folder that decides what is drawn."""
    named = ("config.json", "scheduler_config.json", "preprocessor_config.json")
    return [path for path in (folder / name for name in named) if path.is_file()] + sorted(
        folder.glob("*.safetensors")
    )


def _request(files: Iterable[Path], draw: Draw, device: str) -> str:
    """Hash of all that decides the bytes; another device or another torch rounds differently."""
    asked = {
        "gds": gds.__version__,
        "torch": torch.__version__,
        "device": device,
        "model": {path.name: sha256(path) for path in files},
        **_parameters(draw),
        "labels": None if draw.labels is None else hashlib.sha256(draw.labels.tobytes()).hexdigest(),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _parameters(draw: Draw) -> dict[str, Any]:
    return {field.name: getattr(draw, field.name) for field in fields(draw) if field.name != "labels"}


def _provenance(name: str, draw: Draw, files: Iterable[Path]) -> str:
    """One line for the header of the file: what made it. It begins as ``gds push --dataset`` expects."""
    weights = [f"{path.name} SHA-256 {sha256(path)}" for path in files if path.name.startswith("model")]
    steps = "" if draw.num_inference_steps is None else f" --steps {draw.num_inference_steps}"
    return (
        f"gds generate --model {name} --n {draw.n} --seed {draw.seed} --guidance-scale {draw.guidance_scale:g}"
        f"{steps} --temperature {draw.temperature:g} --corrector-sweeps {draw.corrector_sweeps} "
        f"--batch-size {draw.batch_size} ({', '.join(weights)})"
    )


def _record(
    draw: Draw,
    files: Iterable[Path],
    label_names: Sequence[str],
    provenance: str,
    processes: Processes,
    n_chunks: int,
    n_found: int,
) -> dict[str, Any]:
    labels = None
    if draw.labels is not None:
        labels = {
            label_names[value]: int(n)
            for value, n in zip(*np.unique(draw.labels, return_counts=True), strict=True)
        }
    return run_record(
        draw.seed,
        files,
        **{key: value for key, value in _parameters(draw).items() if key != "seed"},
        labels=labels,
        provenance=provenance,
        n_processes=processes.world_size,
        chunks={"in all": n_chunks, "found": n_found},
    )
