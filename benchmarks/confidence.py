"""What confidence costs: 8 seats with token probabilities, and without.

    scripts/bench confidence [--json] [--rounds N]

The same engine answers the same kind of request with the probability of each token after the
sampler (as the swarm asks for), with the one before it, and with none, in turns. Weights are
random (135M shape): the full length is always written.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

from benchmarks._node import body, last_line, machine
from benchmarks._shapes import make
from local_swarm.backends import llama_http, llama_wire
from local_swarm.backends.llama_server import LlamaConfig, LlamaServer
from local_swarm.chat import ChatRequest
from local_swarm.settings import clean_environment

KINDS = {
    "none": {"n_probs": 0, "post_sampling_probs": False},
    "after the sampler": {"n_probs": 1, "post_sampling_probs": True},
    "before the sampler": {"n_probs": 1, "post_sampling_probs": False},
}


def request(seed: int, prompt: int, answer: int) -> ChatRequest:
    made = body(8, prompt, answer, seed)
    sampling = {"ignore_eos": True, "temperature": 0.8}
    return ChatRequest(f"r{seed}", tuple(made["messages"]), max_tokens=answer, sampling=sampling)


async def seconds(engine: LlamaServer, asked: ChatRequest, fields: dict[str, Any]) -> float:
    """Wall seconds until all 8 seats are done."""
    real = llama_wire.body

    def changed(*args: Any, **named: Any) -> dict[str, Any]:
        return {**real(*args, **named), **fields}

    started = time.perf_counter()
    with mock.patch.object(llama_http, "body", changed):
        stream: Any = engine.sample(asked, 8)
        async with aclosing(stream):
            async for _ in stream:
                pass
    return time.perf_counter() - started


async def measure(model: Path, rounds: int, prompt: int, answer: int) -> dict[str, list[float]]:
    config = LlamaConfig(
        model="bench", path=model, slots=16, context=2048, cells=16384, threads=2,
        prompt_cache_mib=64,
    )  # fmt: skip
    engine = LlamaServer(config, clean_environment())
    await engine.start()
    found: dict[str, list[float]] = {name: [] for name in KINDS}
    try:
        for at in range(rounds + 1):  # the first round warms up
            for number, (name, fields) in enumerate(KINDS.items()):
                asked = request(at * 10 + number, prompt, answer)
                taken = await seconds(engine, replace(asked), fields)
                if at:
                    found[name].append(taken)
    finally:
        await engine.close()
    return found


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    options.add_argument("--prompt", type=int, default=256, help="tokens")
    options.add_argument("--answer", type=int, default=64, help="tokens")
    options.add_argument("--rounds", type=int, default=7)
    asked = options.parse_args()
    found = asyncio.run(measure(make("135m"), asked.rounds, asked.prompt, asked.answer))
    wall = {name: median(values) for name, values in found.items()}
    if not asked.json:
        print(f"{machine()}; 8 seats, prompt {asked.prompt}, answer {asked.answer}")
        print(f"{'probabilities':22}{'wall s':>8}{'ratio':>7}{'from':>8}{'to':>8}")
        for name, values in found.items():
            ratio = wall[name] / wall["none"]
            print(f"{name:22}{wall[name]:8.2f}{ratio:7.2f}{min(values):8.2f}{max(values):8.2f}")
    last_line({
        "machine": machine(),
        "rounds": asked.rounds,
        "wall_s": {name: round(value, 3) for name, value in wall.items()},
        "confidence_over_none": round(wall["after the sampler"] / wall["none"], 3),
    })  # fmt: skip


if __name__ == "__main__":
    main()
