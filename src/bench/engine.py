"""What an engine costs on this machine: reading a prompt, and writing with 1, 2, 4, 8 seats."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ..backends.base import Grant, Piece, Served
from ..chat import ChatRequest
from ..errors import EngineError


@dataclass(frozen=True, slots=True)
class Run:
    """One request of `seats` answers: the best of several tries.

    `prompt` tokens were read in `read_s` seconds (to the first word of any seat), `tokens` written
    by all seats in the `write_s` seconds after it. `cpu_s` are the processor seconds of the engine,
    None where it is not ours.
    """

    seats: int
    prompt: int
    tokens: int
    read_s: float
    write_s: float
    cpu_s: float | None

    @property
    def prefill(self) -> float:
        """Tokens of the prompt a second."""
        return self.prompt / max(self.read_s, 1e-9)

    @property
    def decode(self) -> float:
        """Tokens a second of each answer, all seats writing."""
        return self.tokens / self.seats / max(self.write_s, 1e-9)

    @property
    def seconds(self) -> float:
        """The whole request."""
        return self.read_s + self.write_s


async def measure(
    engine: Served,
    seats: Sequence[int],
    *,
    prompt: int,
    tokens: int,
    tries: int = 2,
    on_run: Callable[[Run], None] = lambda run: None,
) -> list[Run]:
    """A Run for each number of `seats`, with prompts of about `prompt` tokens and answers of
    `tokens`. No two prompts are alike, so that nothing is found read already. Raises SwarmError."""
    await _once(engine, 1, 8, 2)  # the first request pays for what is set up once
    words = await _words(engine, prompt)
    runs: list[Run] = []
    for count in seats:
        made = [await _once(engine, count, words, tokens) for _ in range(tries)]
        runs.append(min(made, key=lambda run: run.seconds))
        on_run(runs[-1])
    return runs


async def _words(engine: Served, prompt: int) -> int:
    """How many words of ours make a prompt of so many tokens: two lengths are tried."""
    short, long = await _once(engine, 1, 8, 1), await _once(engine, 1, 40, 1)
    each = max(0.2, (long.prompt - short.prompt) / 32)
    return max(1, int((prompt - short.prompt) / each) + 8)


async def _once(engine: Served, seats: int, words: int, tokens: int) -> Run:
    text = f"{uuid.uuid4().hex[:6]}: " + " ".join(f"word {at % 7}" for at in range(words // 2))
    asked = ChatRequest(
        "bench",
        ({"role": "user", "content": text},),
        max_tokens=tokens,
        sampling={"ignore_eos": True, "temperature": 0.8},
    )
    prompt, written, cpu = 0, dict.fromkeys(range(seats), 0), _cpu(engine)
    begun = time.monotonic()
    first = last = 0.0
    stream: Any = engine.sample(asked, seats)
    async with aclosing(stream):
        async for item in stream:
            if isinstance(item, Grant):
                prompt = max(prompt, item.prompt_tokens)
            elif isinstance(item, Piece) and item.tokens:
                last = time.monotonic()
                first = first or last
                written[item.seat] = item.tokens
    if not first:
        raise EngineError("The engine wrote nothing.", hint="Try another model.")
    used = _cpu(engine)
    spent = None if cpu is None or used is None else used - cpu
    return Run(seats, prompt, sum(written.values()), first - begun, last - first, spent)


def _cpu(engine: Served) -> float | None:
    """Processor seconds of the engine's processes so far."""
    import psutil

    pid = engine.status().pid
    if pid is None:
        return None
    try:
        main = psutil.Process(pid)
        times = [one.cpu_times() for one in (main, *main.children(recursive=True))]
    except psutil.Error:
        return None
    return float(sum(one.user + one.system for one in times))
