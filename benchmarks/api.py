"""What our front costs: one seat through the node against its engine alone, first token and total.

    scripts/bench api [--rounds N] [--shape 135m|tiny] [--prompt N] [--answer N] [--json]

The same engine is asked directly and through the node, in turns (two engines of one model differ by
more than what is looked for), and every prompt is new, so that no cache helps. The figure is the
median of the differences of the pairs, because a busy machine slows both halves of a pair alike;
the difference of the fastest of each side is told too: nothing but the work itself is in it.
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import median
from typing import Any

import httpx

from benchmarks._node import body, last_line, machine, running
from benchmarks._shapes import SHAPES, make

_CONTEXT = 2048


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
    with running(model, seats=1, context=_CONTEXT) as node, node.engine() as engine:
        for seed in range(asked.rounds + 3):
            order = [engine, node.http] if seed % 2 else [node.http, engine]
            took = {  # never the same prompt twice: the engine would know it
                id(http): ask(http, body(1, asked.prompt, asked.answer, 2 * seed + at))
                for at, http in enumerate(order)
            }
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
