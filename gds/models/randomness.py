"""Random numbers that depend on what they are for, not on who draws them.

Every draw is a pure function of a key (one per sample), a stream (what the numbers are for) and the
position in the tensor. There is no state: any number of processes, any batch size and a resumed run
see the same noise, and CPU and GPU agree up to float rounding.

The generator is SplitMix64 with a key-dependent increment (Steele, Lea & Flood 2014, "Fast splittable
pseudorandom number generators"): output i of a key is mix(state + i * gamma), vectorised over keys and i.
"""

import enum
import math
from collections.abc import Sequence

import torch
from torch import Tensor


class Stream(enum.IntEnum):
    """What random numbers are for; different streams of one key are independent."""

    TIMESTEP = 1
    NOISE = 2
    MASK_RATIO = 3
    MASK = 4
    LABEL_DROPOUT = 5
    INITIAL_NOISE = 6
    STEP_NOISE = 7
    UNMASK_ORDER = 8
    UNMASK_VALUE = 9
    VIEW = 10
    SECOND_MASK_RATIO = 11
    SECOND_MASK = 12


# Draw keys of evaluation: an epoch that no training run reaches.
EVALUATION_EPOCH = -1


def _signed(value: int) -> int:
    """The int64 with the same 64 bits as an unsigned number."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >= 1 << 63 else value


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = _signed(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = _signed(0x94D049BB133111EB)
_GAMMA_SALT = _signed(0xD1B54A32D192ED03)


def _shift_right(value: Tensor, bits: int) -> Tensor:
    """Logical shift: int64 is all that torch offers, and its own shift drags the sign along."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def _mix(value: Tensor) -> Tensor:
    """SplitMix64's finaliser, a bijection of 64-bit words; products wrap around as intended."""
    value = (value ^ _shift_right(value, 30)) * _MULTIPLIER_1
    value = (value ^ _shift_right(value, 27)) * _MULTIPLIER_2
    return value ^ _shift_right(value, 31)


def fold(key: Tensor, number: int | Tensor) -> Tensor:
    """Derive new keys from keys and a number.

    Parameters
    ----------
    key
        int64, any shape.
    number
        Any integer, or an int64 tensor that broadcasts against ``key``.

    Returns
    -------
    Tensor
        int64 keys, as unrelated to the old ones as a hash can make them.
    """
    if isinstance(number, int):
        number = torch.tensor(_signed(number), dtype=torch.int64, device=key.device)
    return _mix(_mix(key + _GOLDEN) ^ _mix(number * _GOLDEN + _GAMMA_SALT))


def draw_keys(seed: int, epoch: int, sample: Tensor) -> Tensor:
    """Key of each sample in one pass over the data.

    Parameters
    ----------
    seed
        Seed of the run.
    epoch
        Pass over the data; ``EVALUATION_EPOCH`` for the fixed draws of evaluation.
    sample
        int64 (batch,), number of each sample in its data set.

    Returns
    -------
    Tensor
        int64 (batch,).
    """
    start = torch.tensor(_signed(seed), dtype=torch.int64, device=sample.device)
    return fold(fold(fold(start, 0), epoch), sample)


def _words(key: Tensor, stream: Stream, count: int) -> Tensor:
    """int64 (batch, count): 64 random bits each."""
    state = fold(key, int(stream))
    # An odd increment of its own keeps two keys from ever walking the same sequence, shifted.
    gamma = _mix(state ^ _GAMMA_SALT) | 1
    position = torch.arange(count, dtype=torch.int64, device=key.device)
    return _mix(state[:, None] + position * gamma[:, None])


def uniform(key: Tensor, stream: Stream, shape: Sequence[int]) -> Tensor:
    """Uniform numbers strictly between 0 and 1.

    Parameters
    ----------
    key
        int64 (batch,).
    stream
        What they are for.
    shape
        Shape per key.

    Returns
    -------
    Tensor
        float32 (batch, *shape), multiples of 2**-24.
    """
    word = _words(key, stream, math.prod(shape))
    # 23 bits and a half: the largest value, 1 - 2**-24, is still below 1 in float32.
    value = (_shift_right(word, 41).to(torch.float32) + 0.5) * 2.0**-23
    return value.view(len(key), *shape)


def normal(key: Tensor, stream: Stream, shape: Sequence[int]) -> Tensor:
    """Standard normal numbers (Box & Muller 1958, two from each 64-bit word).

    Parameters
    ----------
    key
        int64 (batch,).
    stream
        What they are for.
    shape
        Shape per key.

    Returns
    -------
    Tensor
        float32 (batch, *shape), at most 6.8 in absolute value.
    """
    count = math.prod(shape)
    word = _words(key, stream, (count + 1) // 2)
    radius = ((_shift_right(word, 32).to(torch.float32) + 0.5) * 2.0**-32).log_().mul_(-2.0).sqrt_()
    angle = (word & 0xFFFFFFFF).to(torch.float32).mul_(2.0 * math.pi * 2.0**-32)
    value = torch.cat((radius * angle.cos(), radius * angle.sin()), dim=1)
    return value[:, :count].reshape(len(key), *shape)
