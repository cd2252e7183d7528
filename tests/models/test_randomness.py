import math

import numpy as np
import pytest
import torch

from gds.models.randomness import EVALUATION_EPOCH, Stream, draw_keys, fold, normal, uniform

N = 200_000


def test_splitmix64_finaliser_matches_integer_arithmetic():
    from gds.models.randomness import _mix, _signed

    def mix(z):
        mask = (1 << 64) - 1
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    words = [0, 1, (1 << 63), (1 << 64) - 1, 0x123456789ABCDEF0]
    found = _mix(torch.tensor([_signed(word) for word in words])).tolist()
    assert found == [_signed(mix(word)) for word in words]


def test_uniform_moments_and_range():
    value = uniform(draw_keys(0, 0, torch.arange(2)), Stream.MASK, (N,))
    assert value.min() > 0
    assert value.max() < 1
    error = 1 / math.sqrt(12 * N)
    assert (value.mean(dim=1) - 0.5).abs().max() < 5 * error
    counts = torch.histc(value, bins=100, min=0, max=1)
    expected = 2 * N / 100
    # Chi-square with 99 degrees of freedom: below 150 but for one time in a thousand.
    assert ((counts - expected) ** 2 / expected).sum() < 150


def test_normal_moments_and_tails():
    value = normal(draw_keys(3, 1, torch.arange(2)), Stream.NOISE, (N,)).double().flatten()
    n = len(value)
    assert abs(value.mean()) < 5 / math.sqrt(n)
    assert abs(value.var() - 1) < 5 * math.sqrt(2 / n)
    assert abs((value**3).mean()) < 5 * math.sqrt(15 / n)
    assert abs((value**4).mean() - 3) < 5 * math.sqrt(96 / n)
    assert (value > 3).double().mean() == pytest.approx(0.00135, rel=0.3)


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_neighbouring_positions_and_keys_are_uncorrelated(lag):
    value = normal(draw_keys(0, 0, torch.arange(64)), Stream.NOISE, (4096,))
    n = value.numel()
    assert (value[:, lag:] * value[:, :-lag]).mean().abs() < 5 / math.sqrt(n)
    assert (value[lag:] * value[:-lag]).mean().abs() < 5 / math.sqrt(n)


def test_streams_epochs_and_seeds_are_unrelated():
    sample = torch.arange(4)
    base = normal(draw_keys(0, 0, sample), Stream.NOISE, (50_000,))
    others = [
        normal(draw_keys(0, 0, sample), Stream.INITIAL_NOISE, (50_000,)),
        normal(draw_keys(0, 1, sample), Stream.NOISE, (50_000,)),
        normal(draw_keys(1, 0, sample), Stream.NOISE, (50_000,)),
        normal(draw_keys(0, EVALUATION_EPOCH, sample), Stream.NOISE, (50_000,)),
    ]
    for other in others:
        assert (base * other).mean().abs() < 5 / math.sqrt(base.numel())


def test_numbers_belong_to_the_sample_not_to_the_batch():
    together = normal(draw_keys(5, 2, torch.arange(8)), Stream.NOISE, (3, 5))
    alone = normal(draw_keys(5, 2, torch.tensor([6])), Stream.NOISE, (3, 5))
    assert torch.equal(together[6:7], alone)


def test_keys_do_not_collide():
    keys = torch.stack(
        [draw_keys(seed, epoch, torch.arange(2000)) for seed in (0, 1) for epoch in range(-1, 9)]
    )
    assert len(np.unique(keys.numpy())) == keys.numel()
    assert len(torch.unique(fold(keys.flatten(), 3))) == keys.numel()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_gpu_draws_the_same():
    key = draw_keys(0, 0, torch.arange(3))
    expected = normal(key, Stream.NOISE, (1001,))
    torch.testing.assert_close(
        normal(key.cuda(), Stream.NOISE, (1001,)).cpu(), expected, atol=1e-5, rtol=1e-5
    )
