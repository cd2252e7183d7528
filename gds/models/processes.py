"""What a loss over a whole batch needs where the batch lies on several processes."""

from typing import Any

import torch
from torch import Tensor, distributed


class _GatherRows(torch.autograd.Function):
    """The rows of all processes; backwards, the sum over processes of what each asks of one's own rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        found = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
        distributed.all_gather(found, rows.contiguous())
        return torch.cat(found)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # Not torch.distributed.nn.all_gather: on gloo its gradients were not those of one process.
        gradient = gradient.contiguous()
        distributed.all_reduce(gradient)
        return gradient.chunk(distributed.get_world_size())[distributed.get_rank()]


def gather_rows(rows: Tensor) -> tuple[Tensor, int]:
    """The rows of all processes one below the other, and where this process's own begin; gradients flow back.

    Every process scores its own rows against all. The gradient of a row is the sum over the processes' losses, of
    which data parallelism takes the mean: that of the loss over the whole batch.

    Parameters
    ----------
    rows
        (batch, ...), as many on every process.
    """
    if not (distributed.is_available() and distributed.is_initialized()) or not torch.is_grad_enabled():
        # Without gradients (evaluation) batches may be of different lengths, and are scored elsewhere.
        return rows, 0
    return _GatherRows.apply(rows), distributed.get_rank() * len(rows)
