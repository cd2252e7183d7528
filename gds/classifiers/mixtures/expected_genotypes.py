"""Each person's expected genotypes given what is visible: by a masked model, by a denoiser, or by components."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from gds.classifiers.components.principal_components import DosagePCA
from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.features.gene_pca import GenePCA
from gds.genotypes.align import match_variants
from gds.genotypes.matrix import Genotypes

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from gds.models import GdsForDiffusion, GdsForMaskedModeling

BATCH = 256


class ExpectedGenotypes(Protocol):
    """Anything that says what a person's dosages are expected to be, from its other dosages."""

    def fit(self, parts: Sequence[np.ndarray]) -> Self:
        """Learn from the dosages of training people, int8 (sample, variant); a pre-trained model has learned."""
        ...

    def expected_dosage(self, dosages: np.ndarray) -> np.ndarray:
        """Expected effect-allele counts, float32, 0 ... 2, shape (sample, variant); NaN where nothing is said."""
        ...


class ComponentExpectation:
    """Dosages reconstructed from principal components: the linear counterpart of the networks, and their control."""

    def __init__(self, n_components: int = 24, seed: int = 0) -> None:
        self.n_components = n_components
        self.seed = seed

    def fit(self, parts: Sequence[np.ndarray]) -> Self:
        """See :class:`ExpectedGenotypes`."""
        self.pca_ = DosagePCA(self.n_components, seed=self.seed).fit(parts)
        return self

    def expected_dosage(self, dosages: np.ndarray) -> np.ndarray:
        """See :class:`ExpectedGenotypes`."""
        return self.pca_.reconstruct(self.pca_.transform(dosages)).clip(0, 2).astype(np.float32)


class MeanExpectation:
    """The mean of several models' expectations, e.g. of pre-training with several seeds."""

    def __init__(self, members: Sequence[ExpectedGenotypes]) -> None:
        self.members = members

    def fit(self, parts: Sequence[np.ndarray]) -> Self:
        """See :class:`ExpectedGenotypes`."""
        self.members_ = [member.fit(parts) for member in self.members]
        return self

    def expected_dosage(self, dosages: np.ndarray) -> np.ndarray:
        """See :class:`ExpectedGenotypes`."""
        return np.mean([member.expected_dosage(dosages) for member in self.members_], axis=0)


class NetworkExpectation:
    """Expected dosages by a pre-trained model: the mean over repetitions in which parts of the genome are hidden.

    A masked model of tokens predicts each cell from those that are not hidden with it: cells are dealt into
    ``n_parts`` random parts, and each part is predicted from the others. A denoiser predicts the clean scores from
    scores at the noise level ``timestep``, and the featurizer turns them into dosages. Masks and noise are the same for
    everyone, so that a person's result does not depend on who else is asked about.

    Parameters
    ----------
    model
        Pre-trained, without people who will be tested.
    featurizer
        Its own.
    variants
        Table of the variants that dosages stand for, in their order (:class:`~gds.genotypes.GenotypeSource`).
        Of those that the featurizer does not know nothing is said.
    n_parts
        Of a masked model: a cell is predicted from 1 - 1 / n_parts of the others.
    timestep
        Of a denoiser; None: where half the variance is signal.
    n_repeats
        Drawings of parts or of noise.
    seed
        Of the drawings.

    Raises
    ------
    UserError
        The model is of another kind, or the featurizer's variants are not there.
    """

    def __init__(
        self,
        model: "GdsForMaskedModeling | GdsForDiffusion",
        featurizer: Featurizer,
        variants: "pd.DataFrame",
        *,
        n_parts: int = 2,
        timestep: int | None = None,
        n_repeats: int = 4,
        seed: int = 0,
    ) -> None:
        if not hasattr(model, "denoise") and not getattr(model, "is_discrete", False):
            raise UserError(
                f"{type(model).__name__} says nothing of expected genotypes: expected a denoiser, or a masked model of "
                "tokens"
            )
        if n_parts < 2 or n_repeats < 1:
            raise UserError(f"expected n_parts >= 2 and n_repeats >= 1, found {n_parts} and {n_repeats}")
        self.model = model.eval()
        self.featurizer = featurizer
        self.variants = variants
        self.n_parts = n_parts
        self.timestep = timestep
        self.n_repeats = n_repeats
        self.seed = seed
        self._columns = match_variants(variants, featurizer.variants_)
        self._known: dict[bytes, np.ndarray] = {}

    @classmethod
    def from_pretrained(cls, folder: str | Path, variants: "pd.DataFrame", **options: Any) -> Self:
        """From a folder of ``gds pretrain``, masked or diffusion."""
        from gds.models import GdsConfig, GdsForDiffusion, GdsForMaskedModeling

        is_denoiser = "GdsForDiffusion" in (GdsConfig.from_pretrained(folder).architectures or [])
        model = (GdsForDiffusion if is_denoiser else GdsForMaskedModeling).from_pretrained(folder)
        return cls(model, Featurizer.from_pretrained(folder), variants, **options)

    def __deepcopy__(self, memo: Any) -> Self:
        # Estimators copy what they are given before they fit it; nothing here is fitted, and what is known is shared.
        return self

    def fit(self, parts: Sequence[np.ndarray]) -> Self:
        """Nothing to learn any more."""
        return self

    def expected_dosage(self, dosages: np.ndarray) -> np.ndarray:
        """See :class:`ExpectedGenotypes`; each person is computed once.

        Raises
        ------
        UserError
            Dosages of other variants than were named.
        """
        if dosages.shape[1] != len(self.variants):
            raise UserError(
                f"expected dosages of {len(self.variants)} variants, found {dosages.shape[1]}: name the variants of "
                "the dosages that the classifier is given"
            )
        keys = [row.tobytes() for row in dosages]
        new = [i for i, key in enumerate(keys) if key not in self._known]
        for start in range(0, len(new), BATCH):
            rows = new[start : start + BATCH]
            for i, expected in zip(rows, self._compute(dosages[rows]), strict=True):
                self._known[keys[i]] = expected
        return np.stack([self._known[key] for key in keys])

    def _compute(self, dosages: np.ndarray) -> np.ndarray:
        import pandas as pd
        import torch

        ids = pd.DataFrame({"id": [str(i) for i in range(len(dosages))], "family": "", "sex": 0})
        features = torch.from_numpy(self.featurizer.transform(Genotypes(dosages, ids, self.variants)))
        features = features.to(next(self.model.parameters()).device)
        with torch.inference_mode():
            repeats = self._denoised(features) if hasattr(self.model, "denoise") else self._unmasked(features)
            total = sum(expected.double() for expected in repeats)
        mean = (total / self.n_repeats).float().cpu().numpy()  # type: ignore[union-attr]
        found = np.full(dosages.shape, np.nan, dtype=np.float32)
        found[:, self._columns] = self._as_dosages(mean).clip(0, 2)
        return found

    def _unmasked(self, features: "torch.Tensor") -> Iterator["torch.Tensor"]:
        """Expected count of every cell, (sample, block, slot), repetition by repetition."""
        import torch

        from gds.models.randomness import Stream, draw_keys, uniform

        for repeat in range(self.n_repeats):
            key = draw_keys(self.seed, repeat, torch.zeros(1, dtype=torch.int64, device=features.device))
            part = (uniform(key, Stream.MASK, features.shape[1:]) * self.n_parts).long()
            expected = torch.zeros(features.shape, device=features.device)
            for number in range(self.n_parts):
                hidden = (part == number).expand(len(features), -1, -1)
                probability = self.model.reconstruct(features, hidden).softmax(dim=-1)  # type: ignore[union-attr]
                expected = torch.where(hidden, probability[..., 1] + 2 * probability[..., 2], expected)
            yield expected

    def _denoised(self, features: "torch.Tensor") -> Iterator["torch.Tensor"]:
        """Expected scores, (sample, block, component), repetition by repetition."""
        import torch

        from gds.models.randomness import Stream, draw_keys, normal

        steps = torch.arange(self.model.config.num_train_timesteps, device=features.device)
        signal = self.model.alpha_bar(steps).flatten()  # type: ignore[union-attr]
        level = self.timestep
        if level is None:
            level = int((signal - 0.5).abs().argmin())
        timestep = torch.full((len(features),), level, device=features.device)
        share = signal[level]
        clean = features.float().masked_fill(self.model.gds.is_padding, 0.0)
        for repeat in range(self.n_repeats):
            key = draw_keys(self.seed, repeat, torch.zeros(1, dtype=torch.int64, device=features.device))
            noise = normal(key, Stream.NOISE, features.shape[1:]).masked_fill(self.model.gds.is_padding, 0.0)
            noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
            predicted = self.model.denoise(noisy, timestep)  # type: ignore[union-attr]
            yield {
                "sample": predicted,
                "epsilon": (noisy - (1 - share).sqrt() * predicted) / share.sqrt(),
                "v_prediction": share.sqrt() * noisy - (1 - share).sqrt() * predicted,
            }[self.model.config.prediction_type]

    def _as_dosages(self, features: np.ndarray) -> np.ndarray:
        """Means of features as dosages (sample, variant of the featurizer)."""
        if isinstance(self.featurizer, GenePCA):
            return self.featurizer.inverse_transform(features, rounding="none")
        _, first = np.unique(self.featurizer.blocks_.variant_index, return_index=True)
        return features[:, ~self.featurizer.is_padding_][:, first]
