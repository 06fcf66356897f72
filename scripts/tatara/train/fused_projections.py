"""NF4 matrices of one input with their adapters, forward and backward."""

from collections.abc import Callable

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from tatara.train.fused_kernels import dequantize


def _joined(parts: list[torch.Tensor], dimension: int) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dimension)


class Projections:
    """Frozen NF4 matrices W of one input, one above another, with their adapters: y = W x + bias + s B A dropout(x), as
    PEFT's lora.Linear4bit.

    A holds the adapters' A matrices one above another, B theirs along its diagonal, so that the group takes as many
    matrix products as one matrix would. Both are copies in the type of the input; `refresh` fills them from the trained
    float32 parameters.
    """

    def __init__(self, *modules):
        self.modules = modules
        self.weights = [module.get_base_layer().weight for module in modules]
        biases = [module.get_base_layer().bias for module in modules]
        self.bias = None if biases[0] is None else torch.cat([bias.detach() for bias in biases])
        self.trained = [module.lora_A["default"].weight for module in modules] + [
            module.lora_B["default"].weight for module in modules
        ]
        self.scale = modules[0].scaling["default"]
        self.rate = getattr(modules[0].lora_dropout["default"], "p", 0.0)
        self.outs, self.rank = [module.get_base_layer().out_features for module in modules], self.trained[0].shape[0]
        self.a = self.b = None

    def refresh(self, dtype: torch.dtype) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Return the parts of A and B and the parameters that belong into them."""
        if self.a is None:
            first, count = self.trained[0], len(self.modules)
            self.a = torch.zeros(count * self.rank, first.shape[1], dtype=dtype, device=first.device)
            self.b = torch.zeros(sum(self.outs), count * self.rank, dtype=dtype, device=first.device)
        return self._parts(self.a, self.b), self.trained

    def _parts(self, a: torch.Tensor, b: torch.Tensor) -> list[torch.Tensor]:
        blocks = zip(b.split(self.outs), range(0, b.shape[1], self.rank), strict=True)
        return [*a.split(self.rank), *(rows[:, column : column + self.rank] for rows, column in blocks)]

    def matrix(self, dtype: torch.dtype) -> torch.Tensor:
        whole = torch.empty(sum(self.outs), self.a.shape[1], dtype=dtype, device=self.a.device)
        for weight, part in zip(self.weights, whole.split(self.outs), strict=True):
            dequantize(weight, part)
        return whole

    def masks(self, x: torch.Tensor, seed: torch.Tensor | None) -> list:
        """Return dropout's factors for each adapter's x, 0 or 1/(1 - rate), drawn from a seed; [None] where nothing is
        dropped.
        """
        if seed is None:
            return [None]
        generator = torch.Generator(x.device).manual_seed(seed.item())
        return [
            torch.empty_like(x).bernoulli_(1 - self.rate, generator=generator).div_(1 - self.rate) for _ in self.modules
        ]

    def seed(self) -> torch.Tensor | None:
        """Draw a seed on the CPU, whose generator a resumed run restores; None where nothing is dropped."""
        return torch.randint(2**62, ()) if self.rate and self.modules[0].training else None

    def forward(self, x: torch.Tensor, masks: list) -> tuple[torch.Tensor, torch.Tensor]:
        """x (tokens, in) -> y (tokens, out) and the adapters' inner values (tokens, adapters × r)."""
        y = functional.linear(x, self.matrix(x.dtype), None if self.bias is None else self.bias.to(x.dtype))
        rows = self.a.split(len(self.a) // len(masks))
        inner = _joined(
            [functional.linear(x if mask is None else x * mask, part) for mask, part in zip(masks, rows, strict=True)],
            -1,
        )
        if self.scale != 1:
            inner *= self.scale
        return y.addmm_(inner, self.b.T), inner

    def backward(
        self, gradient: torch.Tensor, x: torch.Tensor, masks: list, inner: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the gradients by x and by the trained parameters."""
        of_b = gradient.T @ inner
        of_inner = gradient @ self.b
        if self.scale != 1:
            of_inner *= self.scale
        of_x = gradient @ self.matrix(x.dtype)
        size, of_a = len(self.a) // len(masks), []
        for mask, part, columns in zip(masks, self.a.split(size), of_inner.split(size, -1), strict=True):
            of_a.append(columns.T @ (x if mask is None else x * mask))
            if mask is None:
                of_x.addmm_(columns, part)
            else:
                of_x += (columns @ part) * mask
        return of_x, self._parts(_joined(of_a, 0), of_b)


class _Project(Function):
    """Projections of one input, which is computed again in the backward pass from what is kept.

    `prepare(kept)` gives the input (tokens, in), `prepare_backward(gradient, kept)` the gradient by what is kept.
    """

    @staticmethod
    def forward(ctx, kept, prepare, prepare_backward, projections, *trained):
        ctx.prepare, ctx.prepare_backward, ctx.projections, ctx.seed = (
            prepare,
            prepare_backward,
            projections,
            projections.seed(),
        )
        x = prepare(kept)
        y, inner = projections.forward(x, projections.masks(x, ctx.seed))
        ctx.save_for_backward(kept, inner)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        kept, inner = ctx.saved_tensors  # asked for once: checkpointing computes them at this moment
        x = ctx.prepare(kept)
        of_x, of_trained = ctx.projections.backward(gradient.contiguous(), x, ctx.projections.masks(x, ctx.seed), inner)
        return ctx.prepare_backward(of_x, kept), None, None, None, *of_trained


def project(
    projections: Projections, prepare: Callable, prepare_backward: Callable, kept: torch.Tensor
) -> torch.Tensor:
    """Return the outputs (tokens, out) of projections whose input is computed from `kept`, as `_Project` has it."""
    return _Project.apply(kept, prepare, prepare_backward, projections, *projections.trained)
