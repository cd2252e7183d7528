"""Who multiplies dosages. Every engine gives the same integers, so that it is a matter of time only.

====================  =======================================================================================
float32               BLAS; everywhere
int8                  torch, where the processor multiplies bytes by itself (VNNI, AMX); the fastest there
popcount              bits of dosages, counted by compiled code (extra ``fast``); for Gram matrices two to four
                      times faster than float32 where there is no such instruction
====================  =======================================================================================
"""

import functools
import importlib.util
import sys
from enum import Enum


class Engine(Enum):
    """An implementation of integer products of dosages."""

    FLOAT32 = "float32"
    INT8 = "int8"
    POPCOUNT = "popcount"


# Multiplications of a Gram matrix whose time in float32 is that of importing torch, or of importing numba and
# compiling.
_WORTH_TORCH = 2e11
_WORTH_COMPILING = 1e11


def fastest_engine(multiplications: float) -> Engine:
    """The engine that takes least for so many multiplications, what it must import first included."""
    if ("torch" in sys.modules or multiplications > _WORTH_TORCH) and _int8_is_fast():
        return Engine.INT8
    if ("gds.features.popcount" in sys.modules or multiplications > _WORTH_COMPILING) and _can_compile():
        return Engine.POPCOUNT
    return Engine.FLOAT32


@functools.cache
def _int8_is_fast() -> bool:
    """Whether torch multiplies int8 matrices with the processor's own instructions."""
    import torch

    return bool(
        torch.backends.mkldnn.is_available()
        and (torch.cpu._is_vnni_supported() or torch.cpu._is_amx_tile_supported())
    )


@functools.cache
def _can_compile() -> bool:
    return importlib.util.find_spec("numba") is not None
