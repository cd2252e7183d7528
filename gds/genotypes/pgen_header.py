"""What a .pgen file holds beside hard calls, by its header (PGEN specification, section "Header").

pgenlib reads hard calls and expected dosages but does not say which of the two a file has.
"""

import math
from pathlib import Path

import numpy as np

from gds.errors import UserError

_MAGIC = b"\x6c\x1b"
# Storage modes: byte 2 of the file.
_PLINK1, _FIXED_HARD_CALLS, _FIXED_DOSAGES, _FIXED_PHASED_DOSAGES, _VARIABLE = 0x01, 0x02, 0x03, 0x04, 0x10
_HEADER_BYTES = 12
# The index of a variable-width file goes block by block of this many variants.
_BLOCK = 2**16
# Bits 5 and 6 of a variant's record type: how its dosages are stored, 0 for not at all.
_DOSAGE_BITS = 0x60


def has_dosages(path: Path) -> bool:
    """Whether any variant of a .pgen file has expected dosages (of imputation) beside its hard calls.

    Raises
    ------
    UserError
        The file is no .pgen, is truncated, or is stored in a way that this reader does not know.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or header[:2] != _MAGIC:
            raise UserError(f"{path} is not a .pgen file: it does not begin as one, or is cut short")
        mode, control = header[2], header[11]
        if mode in (_PLINK1, _FIXED_HARD_CALLS):
            return False
        if mode in (_FIXED_DOSAGES, _FIXED_PHASED_DOSAGES):
            return True
        if mode != _VARIABLE:
            raise UserError(
                f"{path} is stored in mode {mode:#04x}, which this reader does not know: rewrite it with "
                f"plink2 --pfile {path.with_suffix('')} --make-pgen --out NEW"
            )
        # Below 4, record types take four bits: too few for phase and dosages.
        if control & 15 < 4:
            return False
        n_variants = int.from_bytes(header[3:7], "little")
        length_bytes = (control & 3) + 1
        allele_count_bytes = (control >> 4) & 3
        explicit_nonref_flags = control >> 6 == 3
        file.seek(8 * math.ceil(n_variants / _BLOCK), 1)
        for start in range(0, n_variants, _BLOCK):
            n = min(_BLOCK, n_variants - start)
            types = np.frombuffer(file.read(n), dtype=np.uint8)
            if len(types) < n:
                raise UserError(f"{path} is truncated: its index ends before variant {n_variants}")
            if (types & _DOSAGE_BITS).any():
                return True
            file.seek(n * (length_bytes + allele_count_bytes) + explicit_nonref_flags * math.ceil(n / 8), 1)
    return False
