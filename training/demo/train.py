"""The training loop: resumable, with a warm-up and a linear decay, by steps or by the clock."""

from __future__ import annotations

import signal
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from . import tokenizer as bpe
from .model import SIZES, Model, Shape, fuse
from .optimizer import Optimizer
from .packing import Part, parts
from .paths import TOKENIZER, checkpoint

WARM_UP = 100
DECAY_SHARE = 0.45
"""The share of all steps, at the end, in which the rates fall to zero."""


@dataclass(frozen=True)
class Plan:
    """What one training run does. `decay_at` overrides where the decay begins (a step).

    With `until`, Unix seconds, the rates fall from `top` to zero by the clock and `steps` is not
    looked at: on a machine that others use, nobody knows how many steps there will be.
    """

    size: str
    steps: int
    seed: int = 1234
    parts: int = 4
    part_tokens: int = 768
    threads: int = 2
    bf16: bool = True
    decay_at: int | None = None
    save_every: int = 100
    fused: bool = False
    began: float = 0.0
    until: float | None = None
    top: float = 1.0

    @property
    def checkpoint(self) -> Path:
        """Where the run is kept."""
        return checkpoint(self.size)

    def scale(self, step: int) -> float:
        """The factor of the learning rates before `step`."""
        warm = min(1.0, (step + 1) / WARM_UP)
        if self.until is not None:
            left = (self.until - time.time()) / (self.until - self.began)
            return warm * self.top * max(0.0, left)
        begin = int(self.steps * (1 - DECAY_SHARE)) if self.decay_at is None else self.decay_at
        return warm * min(1.0, (self.steps - step) / (self.steps - begin))


def part_of(model: Model, part: Part, plan: Plan, total: int) -> tuple[float, list[Tensor]]:
    """The share of loss and gradients that a part has among `total` learned tokens."""
    torch.set_num_threads(1)  # a setting of each thread
    with torch.autocast("cpu", torch.bfloat16, enabled=plan.bf16):
        logits = model.logits(model(part.ids, part.lengths, part.keep))
    loss = F.cross_entropy(logits.float(), part.targets, reduction="sum") / total
    return loss.item(), list(torch.autograd.grad(loss, list(model.parameters())))


def backward(model: Model, batch: list[Part], plan: Plan, pool: Executor) -> float:
    """Fills the gradients and returns the loss.

    Threads of one core each take small parts as they get free: beside other work on the machine
    this is several times faster than operators that wait for all cores.
    """
    total = sum(len(part.targets) for part in batch)
    losses = 0.0
    for loss, gradients in pool.map(lambda part: part_of(model, part, plan, total), batch):
        losses += loss
        for weight, gradient in zip(model.parameters(), gradients, strict=True):
            weight.grad = gradient if weight.grad is None else weight.grad.add_(gradient)
    return losses


def save(
    model: Model, optimizer: Optimizer, plan: Plan, step: int, tokens: int, resumed: list[int]
) -> None:
    """Writes the checkpoint in one move: a kill leaves the old one."""
    state = {
        "shape": asdict(model.shape),
        "plan": asdict(plan),
        "weights": model.state_dict(),
        "optimizer": optimizer.state(),
        "step": step,
        "tokens": tokens,
        "resumed": resumed,
    }
    part = plan.checkpoint.with_suffix(".part")
    torch.save(state, part)
    part.replace(plan.checkpoint)


def load_model(path: Path) -> Model:
    """The network of a checkpoint, ready to be read out."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    model = Model(Shape(**state["shape"]))
    model.load_state_dict(state["weights"])
    return model.eval()


def train(plan: Plan) -> None:
    """Runs the plan, from its checkpoint where there is one; SIGTERM saves and ends it."""
    torch.set_num_threads(1)
    pool = ThreadPoolExecutor(plan.threads)
    torch.manual_seed(plan.seed)
    words = bpe.load(TOKENIZER)
    model = Model(SIZES[plan.size])
    optimizer = Optimizer(model)
    first = tokens = 0
    resumed: list[int] = []
    if plan.checkpoint.exists():
        state = torch.load(plan.checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict(state["weights"])
        optimizer.restore(state["optimizer"])
        first, tokens = state["step"], state["tokens"]
        resumed = [*state.get("resumed", []), first]
    # A resumed run takes text of a stream of its own: no text comes twice.
    stream = parts(words, plan.seed + first, model.shape.context, plan.part_tokens)
    if plan.fused:
        fuse()
        part_of(model, next(stream), plan, 1)  # compiles before there are threads
    print(f"{sum(p.numel() for p in model.parameters())} parameters, from step {first}", flush=True)
    began, mean, start_tokens = time.monotonic(), None, tokens
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    for step in count(first):
        over = step >= plan.steps if plan.until is None else time.time() >= plan.until
        if over or ended:
            save(model, optimizer, plan, step, tokens, resumed)
            break
        batch = list(islice(stream, plan.parts))
        loss = backward(model, batch, plan, pool)
        optimizer.step(plan.scale(step), pool)
        tokens += sum(len(part.ids) for part in batch)
        mean = loss if mean is None else mean * 0.98 + loss * 0.02
        done = step + 1
        if done % 25 == 0:
            spent = time.monotonic() - began
            print(
                f"{time.strftime('%H:%M:%S')} step {done} loss {mean:.4f} tokens {tokens} "
                f"{(tokens - start_tokens) / spent:.0f} tokens/s",
                flush=True,
            )
        if done % plan.save_every == 0:
            save(model, optimizer, plan, done, tokens, resumed)
