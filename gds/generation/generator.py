"""Synthetic people from a folder: model, featurizer and scheduler."""

import os
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.files import read_json, write_json
from gds.generation.drawing import DiffusionDrawing, UnmaskingDrawing, choose_drawing, classes_to_draw
from gds.generation.unmasking import check_can_unmask
from gds.genotypes.matrix import Genotypes
from gds.models import GdsConfig, GdsForDiffusion, GdsForMaskedModeling
from gds.models.randomness import fold
from gds.models.schedule import (
    SCHEDULER_CONFIG_NAME,
    check_scheduler,
    make_scheduler,
)
from gds.repository import PushesThroughOneDoor, local_folder

_GENERATORS = {"GdsForDiffusion": GdsForDiffusion, "GdsForMaskedModeling": GdsForMaskedModeling}


class GenotypeGenerator(PushesThroughOneDoor):
    """Draws synthetic features and turns them into genotypes.

    Sample i of a seed is the same person whatever the batch size, the number of processes or the number of
    people asked for (up to float rounding): all its randomness comes from a key of its own.

    Parameters
    ----------
    model
        A diffusion model, or a masked model of tokens trained with mask ratios up to 1.
    featurizer
        Its way back to dosages; None if only features are wanted.
    scheduler_config
        Content of ``scheduler_config.json``; None for the one that the model's configuration describes.

    Raises
    ------
    UserError
        The model cannot generate, or the scheduler is not the one it was trained with.
    """

    def __init__(
        self,
        model: GdsForDiffusion | GdsForMaskedModeling,
        featurizer: Featurizer | None = None,
        scheduler_config: dict[str, Any] | None = None,
    ) -> None:
        if isinstance(model, GdsForMaskedModeling):
            check_can_unmask(model.config)
        elif scheduler_config is None:
            scheduler = make_scheduler(model.config)
            scheduler_config = {**scheduler.config, "_class_name": type(scheduler).__name__}
        else:
            check_scheduler(scheduler_config, model.config, SCHEDULER_CONFIG_NAME)
        self.model = model.eval()
        self.featurizer = featurizer
        self.scheduler_config = scheduler_config

    @classmethod
    def from_pretrained(
        cls,
        folder: str | os.PathLike[str],
        device: str | None = None,
        *,
        revision: str | None = None,
        subfolder: str = "",
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
    ) -> Self:
        """Load a folder that pre-training left, or a repository on the hub.

        Parameters
        ----------
        folder
            With ``config.json``, ``model.safetensors``, the featurizer and, for diffusion,
            ``scheduler_config.json``; or ``organisation/name``.
        device
            Where to compute; None for a GPU if there is one.
        revision, subfolder, token, cache_dir, local_files_only, force_download
            See :func:`gds.repository.local_folder`.

        Raises
        ------
        UserError
            The folder holds no generator.
        """
        folder = local_folder(
            folder,
            revision=revision,
            subfolder=subfolder,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
        )
        config = GdsConfig.from_pretrained(folder)
        architecture = (config.architectures or ["none"])[0]
        if architecture not in _GENERATORS:
            raise UserError(
                f"{folder} holds a {architecture}, which does not generate: expected one of "
                f"{', '.join(_GENERATORS)}"
            )
        model = _GENERATORS[architecture].from_pretrained(folder)
        model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        scheduler = read_json(folder / SCHEDULER_CONFIG_NAME) if architecture == "GdsForDiffusion" else None
        return cls(model, Featurizer.from_pretrained(folder), scheduler)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the model, the featurizer and the scheduler; :meth:`from_pretrained` reads them back.

        Raises
        ------
        UserError
            The generator was made without a featurizer.
        """
        folder = Path(folder)
        self.model.save_pretrained(folder)
        self._featurizer().save_pretrained(folder)
        if self.scheduler_config is not None:
            write_json(folder / SCHEDULER_CONFIG_NAME, self.scheduler_config)

    def generate(
        self,
        n: int,
        labels: int | ArrayLike | None = None,
        seed: int = 0,
        guidance_scale: float = 1.0,
        num_inference_steps: int | None = None,
        batch_size: int = 64,
        first_index: int = 0,
        temperature: float = 1.0,
        corrector_sweeps: int = 0,
        progress: tqdm | None = None,
    ) -> NDArray[Any]:
        """Draw features.

        Parameters
        ----------
        n
            Number of people.
        labels
            Class of all or of each, (n,), -100 for the null class; None for no class.
        seed
            Seed of the draws.
        guidance_scale
            Strength of the class; 1 for none.
        num_inference_steps
            Steps; None for the configured number (diffusion) or twice the largest number of slots in a block.
        batch_size
            People at a time.
        first_index
            Index of the first person, so that several processes can share one draw.
        temperature, corrector_sweeps
            Of masked models alone: see :class:`gds.generation.unmasking.Unmasking`.
        progress
            A bar of passes of a person through the network, to advance; None for an own one.

        Returns
        -------
        ndarray
            float32 (sample, block, channel), or int8 dosages (sample, block, slot) with -1 in padding.

        Raises
        ------
        UserError
            Classes or guidance asked of an unconditional model, a class that it does not know, options of
            sampling that this kind of model does not have, or features that are not finite.
        """
        classes = classes_to_draw(self.model.config, n, labels, guidance_scale)
        drawing = self._drawing(num_inference_steps, temperature, corrector_sweeps)
        device = self.model.device
        parts = []
        silent = n == 0 or progress is not None
        with tqdm(total=n * drawing.n_passes, desc="generate", unit="step", disable=silent) as own:
            bar = own if progress is None else progress
            for start in range(0, n, batch_size):
                stop = min(start + batch_size, n)
                index = torch.arange(first_index + start, first_index + stop, device=device)
                keys = fold(fold(torch.tensor(seed, device=device), 1), index)
                here = None if classes is None else classes[start:stop].to(device)
                drawn = drawing.draw(keys, here, guidance_scale, bar)
                if not drawn.isfinite().all():
                    raise UserError(
                        "the sampler gave values that are not finite: take more steps; if that does not help, the "
                        "model has diverged"
                    )
                parts.append(drawn.cpu().numpy())
        if not parts:
            config = self.model.config
            kind = np.float32 if config.input_kind == "continuous" else np.int8
            return np.empty((0, config.n_blocks, config.n_channels), dtype=kind)
        return np.concatenate(parts)

    def n_passes(
        self, num_inference_steps: int | None = None, temperature: float = 1.0, corrector_sweeps: int = 0
    ) -> int:
        """How often the network sees a person who is drawn with these options of :meth:`generate`.

        Raises
        ------
        UserError
            The sampler cannot take so many steps, or this kind of model does not have an option.
        """
        return self._drawing(num_inference_steps, temperature, corrector_sweeps).n_passes

    def decode(self, features: NDArray[Any], first_index: int = 0) -> Genotypes:
        """Turn features into genotypes of people SYN000001, SYN000002, ...

        Parameters
        ----------
        features
            (sample, block, channel), as ``generate`` returns them.
        first_index
            As in ``generate``: the first person is SYN with number first_index + 1.

        Raises
        ------
        UserError
            The generator was made without a featurizer.
        """
        featurizer = self._featurizer()
        samples = synthetic_samples(len(features), first_index)
        dosage = featurizer.inverse_transform(features)
        return Genotypes(dosage=dosage, samples=samples, variants=featurizer.variants_)

    def _drawing(
        self, num_inference_steps: int | None, temperature: float, corrector_sweeps: int
    ) -> DiffusionDrawing | UnmaskingDrawing:
        return choose_drawing(
            self.model, self.scheduler_config, num_inference_steps, temperature, corrector_sweeps
        )

    def _featurizer(self) -> Featurizer:
        if self.featurizer is None:
            raise UserError("this generator has no featurizer: load the whole folder with from_pretrained")
        return self.featurizer


def synthetic_samples(n: int, first_index: int = 0) -> pd.DataFrame:
    """Table of people SYN000001, SYN000002, ..., the first with number ``first_index`` + 1."""
    return pd.DataFrame(
        {
            "id": [f"SYN{first_index + number:06d}" for number in range(1, n + 1)],
            "family": "",
            "sex": np.zeros(n, dtype=np.int8),
        }
    )
