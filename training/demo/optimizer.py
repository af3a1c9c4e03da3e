"""Muon for the matrices, AdamW for the rest.

Muon: Keller Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024):
momentum whose matrix is brought close to orthogonal by five Newton-Schulz steps.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import Executor

import torch
from torch import Tensor, nn

MATRIX_RATE, OTHER_RATE, DECAY = 0.02, 3e-3, 0.05
MOMENTUM = 0.95
QUINTIC = (3.4445, -4.7750, 2.0315)
STACK = 3
"""Matrices of one shape that a thread takes at once."""


def orthogonal(stack: Tensor) -> Tensor:
    """Each matrix of the stack, close to its nearest orthogonal matrix."""
    x = stack / (stack.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    tall = x.size(-2) > x.size(-1)
    x = (x.mT if tall else x).bfloat16()
    a, b, c = QUINTIC
    for _ in range(5):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if tall else x).float()


@torch.no_grad()
def _turn(members: list[tuple[Tensor, Tensor]], scale: float) -> None:
    torch.set_num_threads(1)
    tall, wide = members[0][0].shape
    rate = max(1, tall / wide) ** 0.5 * MATRIX_RATE * scale
    updates = orthogonal(torch.stack([update for _, update in members]))
    for (weight, _), update in zip(members, updates, strict=True):
        weight.mul_(1 - MATRIX_RATE * scale * DECAY).add_(update, alpha=-rate)


class Optimizer:
    """Both optimizers behind one `step`; `scale` is the schedule's factor of the rates."""

    def __init__(self, model: nn.Module) -> None:
        named = list(model.named_parameters())
        self.matrices = [p for n, p in named if p.dim() == 2 and not n.startswith("embed")]
        others = [p for n, p in named if p.dim() != 2 or n.startswith("embed")]
        self.momenta = [torch.zeros_like(p) for p in self.matrices]
        self.adam = torch.optim.AdamW(others, lr=OTHER_RATE, betas=(0.9, 0.95), weight_decay=0.0)

    @torch.no_grad()
    def step(self, scale: float, pool: Executor) -> None:
        """One update of all weights, in the pool's threads; gradients are cleared."""
        groups: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for weight, momentum in zip(self.matrices, self.momenta, strict=True):
            assert weight.grad is not None
            momentum.lerp_(weight.grad, 1 - MOMENTUM)
            groups[tuple(weight.shape)].append((weight, weight.grad.lerp(momentum, MOMENTUM)))
            weight.grad = None
        jobs = [some[i : i + STACK] for some in groups.values() for i in range(0, len(some), STACK)]
        jobs.sort(key=lambda some: -some[0][0].numel())
        list(pool.map(lambda some: _turn(some, scale), jobs))
        for group in self.adam.param_groups:
            group["lr"] = OTHER_RATE * scale
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)

    def state(self) -> dict[str, object]:
        """What a checkpoint keeps."""
        return {"momenta": self.momenta, "adam": self.adam.state_dict()}

    def restore(self, state: dict) -> None:
        """The inverse of `state`."""
        for momentum, saved in zip(self.momenta, state["momenta"], strict=True):
            momentum.copy_(saved)
        self.adam.load_state_dict(state["adam"])
