"""The network: Llama's shape (RMS norm, rotary positions, grouped queries, SwiGLU), tied ends."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The numbers of one size. `context` is in tokens."""

    width: int = 256
    layers: int = 5
    heads: int = 4
    kv_heads: int = 2
    feed: int = 768
    vocabulary: int = 1024
    context: int = 512
    theta: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head(self) -> int:
        """Width of one head."""
        return self.width // self.heads


SIZES = {
    "demo": Shape(),
    "mini": Shape(width=128, layers=4, heads=2, kv_heads=1, feed=512),
}


def fuse() -> None:
    """Compiles what is not a product of matrices: a step takes a sixth less time.

    Needs a C++ compiler.
    """
    for part in (normed, rotate, gated):
        globals()[part.__name__] = torch.compile(part, dynamic=True)


def normed(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """RMS norm, computed in float32."""
    full = x.float()
    scale = torch.rsqrt(full.pow(2).mean(-1, keepdim=True) + epsilon)
    return (full * scale * weight).to(x.dtype)


def gated(gate: Tensor, up: Tensor) -> Tensor:
    """SwiGLU's product."""
    return F.silu(gate) * up


class Norm(nn.Module):
    """RMS norm with its weight."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return normed(x, self.weight, self.epsilon)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on half-split channels; `export` permutes rows to llama.cpp's order."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def attend(q: Tensor, k: Tensor, v: Tensor, later: Tensor) -> Tensor:
    """Causal attention of one conversation, [heads, tokens, head] each.

    At these lengths it takes 15 % less time on a CPU, all in all, than the fused operator.
    """
    mask = later[: q.shape[1], : q.shape[1]]
    scores = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=q.shape[2] ** -0.5)
    return torch.softmax(scores, -1, dtype=q.dtype) @ v


class Block(nn.Module):
    """Attention, then the gated feed-forward, each on a normed residual."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape, d, kv = shape, shape.width, shape.kv_heads * shape.head
        self.norm1, self.norm2 = Norm(d, shape.epsilon), Norm(d, shape.epsilon)
        self.q, self.o = nn.Linear(d, d, bias=False), nn.Linear(d, d, bias=False)
        self.k, self.v = nn.Linear(d, kv, bias=False), nn.Linear(d, kv, bias=False)
        self.gate, self.up = (nn.Linear(d, shape.feed, bias=False) for _ in range(2))
        self.down = nn.Linear(shape.feed, d, bias=False)

    def forward(
        self,
        x: Tensor,
        turn: tuple[Tensor, Tensor],
        later: Tensor,
        lengths: list[int],
        keep: Tensor | None,
    ) -> Tensor:
        """Rows of tokens, one conversation behind the other; only rows `keep` come out."""
        h = self.norm1(x)
        q, k, v = (
            part(h).view(len(x), -1, self.shape.head).transpose(0, 1)
            for part in (self.q, self.k, self.v)
        )
        q, k = rotate(q, *turn), rotate(k, *turn)
        repeat = self.shape.heads // self.shape.kv_heads
        k, v = k.repeat_interleave(repeat, 0), v.repeat_interleave(repeat, 0)
        pieces = zip(*(part.split(lengths, 1) for part in (q, k, v)), strict=True)
        # Attention never crosses from one conversation to the next.
        seen = [attend(*piece, later) for piece in pieces]
        y = torch.cat(seen, 1).transpose(0, 1).reshape(len(x), -1)
        if keep is not None:
            x, y = x[keep], y[keep]
        x = x + self.o(y)
        h = self.norm2(x)
        return x + self.down(gated(self.gate(h), self.up(h)))


class Model(nn.Module):
    """Token ids to hidden states (`forward`) and on to logits (`logits`)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.epsilon)
        steps = torch.arange(0, shape.head, 2).float() / shape.head
        angles = torch.outer(torch.arange(shape.context).float(), 1 / shape.theta**steps)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        later = torch.full((shape.context, shape.context), -1e9).triu(1)
        self.register_buffer("later", later, persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=self._spread(name, weight.shape[1]))

    def _spread(self, name: str, inputs: int) -> float:
        if name.startswith("embed"):
            return 0.02
        ends_residual = ".o." in name or ".down." in name
        damp = 0.5 / (2 * self.shape.layers) ** 0.5 if ends_residual else 1.0
        return float(inputs**-0.5 * damp)

    def forward(self, ids: Tensor, lengths: list[int], keep: Tensor | None = None) -> Tensor:
        """Hidden states of conversations that lie one behind the other in `ids`.

        `keep` names the tokens whose states are wanted; the last layer computes no others.
        """
        x = self.embed(ids)
        if torch.is_autocast_enabled("cpu"):
            x = x.to(torch.get_autocast_dtype("cpu"))
        turn = tuple(
            torch.cat([table[:n] for n in lengths]).to(x.dtype) for table in (self.cos, self.sin)
        )
        later = self.later.to(x.dtype)
        for block in self.blocks[:-1]:
            x = block(x, turn, later, lengths, None)
        return self.norm(self.blocks[-1](x, turn, later, lengths, keep))

    def logits(self, hidden: Tensor) -> Tensor:
        """The tied output layer."""
        return F.linear(hidden, self.embed.weight)
