"""What a vote costs: N seats against one answer, N parallel requests and N calls in a row.

    scripts/bench seats [--quick] [--json] [--isolated] [--shape 135m|0.5b]
                        [--quant q4_k_m|q8_0|f16]

What the seats are compared with runs on a node with flash attention, as plain servers have it and
as is best for single answers; nodes of 8 seats do without it on a processor.

With --isolated a third node takes turns with the first: one process a worker.

Everything goes through the whole node over HTTP. Prompts are new for every request, so that no
cache helps; weights are random, so that no answers agree and no vote stops early: this is the
full price. Runs of all kinds take turns, and each figure is the median of its rounds.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks._node import Cost, Node, body, last_line, machine, running
from benchmarks._shapes import SHAPES, make

_SEEDS = itertools.count(1)


def kinds(prompt: int, answer: int, *, quick: bool) -> dict[str, Callable[[Node], Cost]]:
    """What is measured, by name."""

    def seats(count: int) -> Callable[[Node], Cost]:
        return lambda node: node.measure([body(count, prompt, answer, next(_SEEDS))])

    def parallel(node: Node) -> Cost:
        same = body(1, prompt, answer, next(_SEEDS))
        return node.measure([same] * 8)

    def in_a_row(node: Node) -> Cost:
        costs = [node.measure([body(1, prompt, answer, next(_SEEDS))]) for _ in range(8)]
        return Cost(sum(c.wall for c in costs), sum(c.cpu for c in costs))

    measured: dict[str, Callable[[Node], Cost]] = {"one answer": seats(1), "8 seats": seats(8)}
    if not quick:
        measured["4 seats"] = seats(4)
        measured["8 parallel requests"] = parallel
        measured["8 calls in a row"] = in_a_row
    return measured


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="one answer against 8 seats only")
    options.add_argument("--isolated", action="store_true", help="8 processes too")
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    options.add_argument("--shape", choices=[s for s in SHAPES if s != "tiny"], default="135m")
    options.add_argument("--quant", choices=["q4_k_m", "q8_0", "f16"], default="q4_k_m")
    options.add_argument("--prompt", type=int, default=512, help="tokens")
    options.add_argument("--answer", type=int, default=64, help="tokens")
    options.add_argument("--rounds", type=int, default=7)
    asked = options.parse_args()

    model = make(asked.shape, asked.quant)
    measured = kinds(asked.prompt, asked.answer, quick=asked.quick)
    costs: dict[str, list[Cost]] = {name: [] for name in measured}
    apart = "8 processes"
    with ExitStack() as stack:
        node = stack.enter_context(running(model, 8, 2048))
        plain = stack.enter_context(running(model, 8, 2048, "--flash-attn", "on"))
        nodes = {name: node if name.endswith("seats") else plain for name in measured}
        if asked.isolated:
            nodes[apart] = stack.enter_context(running(model, 8, 2048, "--isolated"))
            measured[apart], costs[apart] = measured["8 seats"], []
        for name in measured:  # page in the weights
            measured[name](nodes[name])
        for _ in range(asked.rounds):
            for name, run in measured.items():
                costs[name].append(run(nodes[name]))
        memory = node.pss()
        memory_apart = nodes[apart].pss() if asked.isolated else None

    wall = {name: median(c.wall for c in runs) for name, runs in costs.items()}
    cpu = {name: median(c.cpu for c in runs) for name, runs in costs.items()}
    if not asked.json:
        print(f"{machine()}; {asked.shape} {asked.quant}, prompt {asked.prompt}, ", end="")
        print(
            f"answer {asked.answer}, {asked.rounds} rounds; node and engine {memory >> 20} MiB",
            end="",
        )
        print(f", isolated {memory_apart >> 20} MiB" if memory_apart else "")
        print(f"{'':22}{'wall s':>8}{'ratio':>7}{'CPU s':>8}{'ratio':>7}")
        for name in wall:
            print(
                f"{name:22}{wall[name]:8.2f}{wall[name] / wall['one answer']:7.2f}"
                f"{cpu[name]:8.2f}{cpu[name] / cpu['one answer']:7.2f}"
            )
    result: dict[str, Any] = {
        "shape": asked.shape,
        "quant": asked.quant,
        "prompt": asked.prompt,
        "answer": asked.answer,
        "rounds": asked.rounds,
        "machine": machine(),
        "pss_bytes": memory,
        "pss_bytes_isolated": memory_apart,
        "wall_s": {name: round(value, 3) for name, value in wall.items()},
        "cpu_s": {name: round(value, 3) for name, value in cpu.items()},
        "seats_8_over_1": round(wall["8 seats"] / wall["one answer"], 3),
        "seats_8_over_1_cpu": round(cpu["8 seats"] / cpu["one answer"], 3),
    }
    last_line(result)


if __name__ == "__main__":
    main()
