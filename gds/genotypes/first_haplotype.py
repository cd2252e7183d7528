"""The first haplotype of phased people, read as if each were homozygous for it."""

import numpy as np

from gds.errors import UserError
from gds.genotypes.matrix import MISSING, PhasedSource


class FirstHaplotypes:
    """A :class:`~gds.genotypes.matrix.GenotypeSource` of single haplotypes: dosages 0 and 2, -1 missing.

    With the person's own dosages x it holds both haplotypes: the second is 2 x - first, and so are scores that
    are linear in the dosages.

    Parameters
    ----------
    source
        Phased genotypes.
    need_all_phases
        Refuse heterozygotes whose phase is not known, instead of taking them for missing.
    """

    def __init__(self, source: PhasedSource, *, need_all_phases: bool = False) -> None:
        self._source = source
        self._need_all_phases = need_all_phases
        self.samples, self.variants = source.samples, source.variants

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`~gds.genotypes.matrix.GenotypeSource.read`.

        Raises
        ------
        UserError
            The phase of a heterozygote is not known, and all are needed.
        """
        dosage, haplotypes = self._source.read_phased(variants, samples)
        first = haplotypes[..., 0]
        unknown = int(((first < 0) & (dosage >= 0)).sum()) if self._need_all_phases else 0
        if unknown:
            raise UserError(
                f"the phase of {unknown} genotypes is not known, and component scores of haplotypes need it: phase "
                "them, prepare with --features tokens (they count as missing), or leave out --phased"
            )
        return np.where(first < 0, np.int8(MISSING), first * np.int8(2))
