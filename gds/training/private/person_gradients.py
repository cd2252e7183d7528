"""The gradient of each person: every parameter of every backbone, by Opacus' hooks.

Opacus knows the layers of torch. Here it is told of ours (the dense layers of each block; layers that only start
differently) and of the few parameters that stand beside other modules and broadcast over samples: of those each row is
given a copy, whose gradient is the row's. Whatever is in neither list is refused.
"""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from opacus.grad_sample import GradSampleModule, register_grad_sampler
from opacus.grad_sample.linear import compute_linear_grad_sample
from torch import Tensor, nn
from torch.nn import functional as F

from gds.errors import UserError
from gds.models.backbones.hybrid import HybridBackbone
from gds.models.backbones.transformer import TransformerBackbone, TransformerLayer
from gds.models.embedding import BlockLinear, ScaledLinear, ZeroConv1d, ZeroLinear

# Parameters that are added to, multiplied with or put among each sample's activations.
BROADCAST: dict[type[nn.Module], set[str]] = {
    TransformerLayer: {"modulation"},
    TransformerBackbone: {"class_token"},
    HybridBackbone: {"mixing_logit"},
}
Gradients = dict[Tensor, Tensor]


@register_grad_sampler(BlockLinear)
def block_linear(layer: BlockLinear, activations: list[Tensor], backprops: Tensor) -> Gradients:
    """Of a dense layer of each position; activations (row, position, in), backprops (row, position, out)."""
    weight = torch.einsum("npi,npo->npio", activations[0].to(backprops.dtype), backprops)
    return {layer.weight: weight, layer.bias: backprops}


@register_grad_sampler(ZeroConv1d)
def conv1d(layer: nn.Conv1d, activations: list[Tensor], backprops: Tensor) -> Gradients:
    """Of a convolution; Opacus' own asks for the very class and does not know one that only starts at zero."""
    assert isinstance(layer.padding, tuple)
    (padding,), (kernel,), (stride,) = layer.padding, layer.kernel_size, layer.stride
    seen = F.pad(activations[0].to(backprops.dtype), (padding, padding)).unfold(-1, kernel, stride)
    gradients: Gradients = {layer.weight: torch.einsum("nipk,nop->noik", seen, backprops)}
    if layer.bias is not None:
        gradients[layer.bias] = backprops.sum(dim=-1)
    return gradients


register_grad_sampler([ZeroLinear, ScaledLinear])(compute_linear_grad_sample)


class _LayerHooks(GradSampleModule):
    """Opacus' hooks on the layers that it knows; modules that hold other modules get none."""

    def iterate_submodules(self, module: nn.Module) -> Iterable[nn.Module]:
        return [each for each in module.modules() if type(each) in self.GRAD_SAMPLERS and _own(each)]


class PersonGradients:
    """Leaves the gradient of each row, and then of each person, in ``parameter.grad_sample``.

    Parameters
    ----------
    model
        A head of ``gds.models``, in training mode.

    Raises
    ------
    UserError
        A layer mixes people, or some of its parameters cannot be told apart by person.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._copied: dict[str, Any] = dict(broadcast_parameters(model))
        self._hooks = _LayerHooks(model, loss_reduction="sum", strict=True)

    @property
    def parameters(self) -> list[Any]:
        """Those that are trained, with Opacus' ``grad_sample``."""
        return [value for value in self.model.parameters() if value.requires_grad]

    def backward(self, **inputs: Any) -> Tensor:
        """Gradients of each row's loss, from one pass over all rows; returns their mean loss.

        Parameters
        ----------
        **inputs
            Of the model's ``forward``: ``features`` (row, block, channel), ``draw_key`` (row,), ...
        """
        n_rows = len(inputs["features"])
        copies = {name: _copies(value, n_rows) for name, value in self._copied.items()}
        loss = torch.func.functional_call(self.model, copies, (), inputs).loss
        with warnings.catch_warnings():
            # The first layers' inputs are data and need no gradient; their weights do and get it.
            warnings.filterwarnings("ignore", message="Full backward hook is firing")
            (loss * n_rows).backward()  # the heads give the mean over rows
        for name, value in self._copied.items():
            gradient = copies[name].grad
            assert gradient is not None
            value.grad_sample = gradient.reshape(n_rows, *value.shape)
        for value in self.parameters:
            value.grad = None  # the sum over rows, without clipping: nothing may use it
        return loss.detach()

    def sum_rows(self, person: Tensor, n_people: int, n_draws: int = 1) -> None:
        """Turn gradients of rows into gradients of people: the sum over their rows, the mean over draws.

        Parameters
        ----------
        person
            int64 (row,), from 0 to ``n_people`` - 1.
        n_people
            Number of people; without rows, all gradients are zero.
        n_draws
            How many rows stand for one.
        """
        for value in self.parameters:
            rows = value.grad_sample
            total = torch.zeros(n_people, *value.shape, dtype=value.dtype, device=value.device)
            if n_people:
                total.index_add_(0, person, rows.to(value.dtype), alpha=1 / n_draws)
            value.grad_sample = total

    def remove(self) -> None:
        """Take the hooks off; the model is as it was."""
        self._hooks.to_standard_module()


def broadcast_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Names and values of the parameters that need a copy for each row.

    Raises
    ------
    UserError
        A layer mixes people, or has parameters whose gradient cannot be told apart by person.
    """
    for name, module in model.named_modules():
        where = name or type(model).__name__
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            raise UserError(
                f"{where}: batch normalisation mixes people, so that no gradient belongs to one person: it cannot be "
                "trained with differential privacy; use layer or group normalisation"
            )
        own = _own(module)
        if not own or type(module) in GradSampleModule.GRAD_SAMPLERS:
            continue
        unknown = sorted(set(own) - BROADCAST.get(type(module), set()))
        if unknown:
            raise UserError(
                f"{where}: the gradients of {', '.join(unknown)} of a {type(module).__name__} cannot be told apart by "
                "person, which differential privacy needs: choose another backbone, or teach "
                "gds.training.private.person_gradients this layer"
            )
        for key, value in own.items():
            yield f"{name}.{key}" if name else key, value


def _own(module: nn.Module) -> dict[str, nn.Parameter]:
    """Trained parameters of a module itself, not of those that it holds."""
    return {name: value for name, value in module.named_parameters(recurse=False) if value.requires_grad}


def _copies(value: nn.Parameter, n_rows: int) -> Tensor:
    """A copy for each row: along a first axis of length one where there is one, along a new axis otherwise."""
    rest = value.shape[1:] if value.shape[0] == 1 else value.shape
    return value.detach().reshape(1, *rest).repeat(n_rows, *[1] * len(rest)).requires_grad_()
