"""What our front costs: one seat through the node against the bare engine, first token and total.

    scripts/bench api [--rounds N] [--shape 135m|tiny] [--prompt N] [--answer N] [--json]

Both have the same model, settings and requests; they take turns, each on an engine of its own, and
every prompt is new, so that no cache helps. The figure is the median of the differences of the
pairs, because a busy machine slows both halves of a pair alike; the difference of the fastest of
each side is told too, because nothing but the work itself is in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks._node import body, last_line, machine, running
from benchmarks._shapes import SHAPES, make
from local_swarm.backends.llama_server import LlamaConfig, LlamaServer
from local_swarm.hardware.detect import detect

_CONTEXT = 2048


@contextmanager
def bare(model: Path) -> Iterator[httpx.Client]:
    """The engine alone, as the node starts it for one seat."""
    config = LlamaConfig(
        model="bare", path=model, slots=2, context=_CONTEXT, cells=2 * _CONTEXT,
        threads=detect().cores, prompt_cache_mib=64,
    )  # fmt: skip
    with asyncio.Runner() as runner:
        engine = LlamaServer(config, dict(os.environ))
        runner.run(engine.start())
        try:
            headers = {"Authorization": f"Bearer {engine._http.key}"}
            # A connection a request, as the node does: the engine closes some that it just used.
            limits = httpx.Limits(max_keepalive_connections=0)
            with httpx.Client(
                base_url=engine._http.url, headers=headers, timeout=600, trust_env=False,
                limits=limits,
            ) as http:  # fmt: skip
                yield http
        finally:
            runner.run(engine.close())


def ask(http: httpx.Client, sent: dict[str, Any]) -> tuple[float, float]:
    """Milliseconds to the first words and to the end of a streamed answer."""
    first, started = 0.0, time.perf_counter()
    with http.stream("POST", "/v1/chat/completions", json={**sent, "stream": True}) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if not first and line.startswith("data: {") and _says(line):
                first = time.perf_counter() - started
    return first * 1000, (time.perf_counter() - started) * 1000


def _says(line: str) -> bool:
    choices = json.loads(line[6:])["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--shape", choices=list(SHAPES), default="135m")
    options.add_argument("--prompt", type=int, default=128, help="tokens")
    options.add_argument("--answer", type=int, default=32, help="tokens")
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    asked = options.parse_args()
    model = make(asked.shape)
    pairs: list[tuple[tuple[float, float], tuple[float, float]]] = []
    with bare(model) as engine, running(model, seats=1, context=_CONTEXT) as node:
        for seed in range(asked.rounds + 3):
            sent = body(1, asked.prompt, asked.answer, seed)
            order = [engine, node.http] if seed % 2 else [node.http, engine]
            took = {id(http): ask(http, sent) for http in order}
            if seed >= 3:  # the first ones page in the weights
                pairs.append((took[id(engine)], took[id(node.http)]))
    result: dict[str, Any] = {"machine": machine(), "rounds": asked.rounds}
    for at, name in enumerate(("first_token", "total")):
        alone = median(pair[0][at] for pair in pairs)
        more = median(pair[1][at] - pair[0][at] for pair in pairs)
        allowed = max(5.0, 0.05 * alone)
        least = min(pair[1][at] for pair in pairs) - min(pair[0][at] for pair in pairs)
        result[f"{name}_least_overhead_ms"] = round(least, 2)
        result[f"{name}_ms"] = round(alone, 1)
        result[f"{name}_overhead_ms"] = round(more, 2)
        result[f"{name}_within_5_ms_or_5_percent"] = more <= allowed
        if not asked.json:
            print(
                f"{name:12} bare {alone:7.1f} ms   our front + {more:5.2f} ms ({more / alone:.1%})"
            )
    last_line(result)


if __name__ == "__main__":
    main()
