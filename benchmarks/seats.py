"""What a vote costs: N seats, parallel requests, isolated processes or calls in a row.

    scripts/bench seats --quick --json            one answer against 8 seats
    scripts/bench seats --shape demo              all rows of one shape, N = 2, 4, 8 and 16
    scripts/bench seats --kind processes --count 8 --count 16     some of them
    scripts/bench seats --memory 4 --shape 1.5b   seats against processes, memory alone
    scripts/bench seats --table                   what was measured so far, as Markdown

Everything goes through the whole node over HTTP. Prompts are new for every request, so that no
cache helps; weights are random, so that no answers agree and no vote stops early: this is the
full price. In every run one answer takes turns with what is measured, and each figure is the
median of its rounds; so a long table may be made in parts, which are kept in .cache/seats.json.

What the seats are compared with runs on a node with flash attention, as plain servers have it and
as is best for single answers; nodes of 8 seats and more do without it on a processor.
"""

from __future__ import annotations

import argparse
import itertools
import json
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._node import Cost, Node, body, last_line, machine, running
from benchmarks._shapes import CACHE, SHAPES, make
from local_swarm.hardware.detect import detect
from local_swarm.models.store import demo_path

_SEEDS = itertools.count(1)
_KEPT = CACHE.parent / "seats.json"
_CROWD = 8  # from so many seats on a node does without flash attention
KINDS = {"seats": "seats", "parallel": "parallel requests", "processes": "processes",
         "row": "calls in a row"}  # fmt: skip
ONE = "one answer"
# As planned anyway; with a flag of speed a node does not try its plan first, which takes 15 s.
_THREADS = ("--threads", str(detect().cores))


def run(kind: str, count: int, node: Node, prompt: int, answer: int) -> Cost:
    """`count` answers to one prompt, in one of the ways of KINDS."""
    seed = next(_SEEDS)
    if kind == "parallel":
        return node.measure([body(1, prompt, answer, seed)] * count)
    if kind == "row":  # as a caller would who asks again: new prompts, as nobody keeps the old
        costs = [node.measure([body(1, prompt, answer, next(_SEEDS))]) for _ in range(count)]
        return Cost(sum(c.wall for c in costs), sum(c.cpu for c in costs))
    return node.measure([body(count, prompt, answer, seed)])


def measure(
    model: Path, rows: list[tuple[str, int]], prompt: int, answer: int, rounds: int
) -> dict[str, Any]:
    """Medians of every row and of one answer: wall and CPU seconds, PSS of the nodes in bytes."""
    costs: dict[str, list[Cost]] = {ONE: []}
    context = 2 * (prompt + answer)
    with ExitStack() as stack:

        def node(seats: int, *flags: str) -> Node:
            if "--isolated" not in flags:  # its workers share the cores out
                flags = (*flags, *_THREADS)
            made = stack.enter_context(running(model, seats, context, *flags))
            run("seats", seats if "--isolated" in flags else 1, made, prompt, 2)  # page it in
            return made

        plain = node(8, "--flash-attn", "on")
        nodes: dict[tuple[str, int], Node] = {}
        memory: dict[str, int] = {}
        for kind, count in rows:
            if kind == "processes":
                nodes[kind, count] = node(count, "--isolated")
                memory[_name(kind, count)] = nodes[kind, count].pss()
            elif kind == "seats" and count >= _CROWD:
                nodes[kind, count] = node(count)
            else:
                nodes[kind, count] = plain
        for _ in range(rounds):
            costs[ONE].append(run("seats", 1, plain, prompt, answer))
            for kind, count in rows:
                made = run(kind, count, nodes[kind, count], prompt, answer)
                costs.setdefault(_name(kind, count), []).append(made)
        for (kind, count), one in nodes.items():
            memory[_name(kind, count)] = one.pss()
    return {
        "wall_s": {name: round(median(c.wall for c in runs), 3) for name, runs in costs.items()},
        "cpu_s": {name: round(median(c.cpu for c in runs), 3) for name, runs in costs.items()},
        "pss_bytes": memory,
    }


def memory(model: Path, count: int) -> dict[str, int]:
    """PSS of a node of `count` seats and of one of `count` processes, in bytes, after a vote."""
    found = {}
    for kind, flags in (("seats", _THREADS), ("processes", ("--isolated",))):
        with running(model, count, 1152, *flags) as node:
            run("seats", count, node, 512, 2)
            found[_name(kind, count)] = node.pss()
    return found


def _name(kind: str, count: int) -> str:
    return f"{count} {KINDS[kind]}"


def _kept() -> dict[str, Any]:
    return json.loads(_KEPT.read_text()) if _KEPT.is_file() else {}


def keep(what: str, measured: dict[str, Any]) -> None:
    """Adds rows to what was measured of a shape before, each with its own run's one answer."""
    known = _kept()
    rows = known.setdefault(what, {})
    for name in measured["wall_s"]:
        rows[name] = {
            "wall_s": measured["wall_s"][name],
            "wall": measured["wall_s"][name] / measured["wall_s"][ONE],
            "cpu_s": measured["cpu_s"][name],
            "cpu": measured["cpu_s"][name] / measured["cpu_s"][ONE],
            "pss": measured["pss_bytes"].get(name),
        }
    _KEPT.parent.mkdir(parents=True, exist_ok=True)
    _KEPT.write_text(json.dumps(known, indent=1))


def table() -> None:
    """Prints all that is kept: ratios to one answer, wall (CPU)."""
    for what, rows in _kept().items():
        counts = sorted({int(name.split()[0]) for name in rows if name != ONE})
        one = rows[ONE]
        print(f"\n{what}: one answer {one['wall_s']:.2f} s, {one['cpu_s']:.2f} CPU s\n")
        print("| | " + " | ".join(f"N = {count}" for count in counts) + " |")
        print("|---|" + "---|" * len(counts))
        for kind, words in KINDS.items():
            cells = [rows.get(_name(kind, count)) for count in counts]
            told = [f"{c['wall']:.2f} ({c['cpu']:.2f})" if c else "" for c in cells]
            print(f"| N {words} | " + " | ".join(told) + " |")
            if any(c and c["pss"] for c in cells) and kind in ("seats", "processes"):
                told = [f"{c['pss'] / 2**20:,.0f} MiB" if c and c["pss"] else "" for c in cells]
                print("| their memory (PSS) | " + " | ".join(told) + " |")


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="one answer against 8 seats only")
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    shapes = [name for name in SHAPES if not name.startswith("tiny")]
    options.add_argument("--shape", choices=["demo", *shapes], default="135m")
    options.add_argument("--quant", choices=["q4_k_m", "q8_0", "f16"], default="q4_k_m")
    options.add_argument("--kind", action="append", choices=list(KINDS), help="default: all")
    options.add_argument("--count", action="append", type=int, help="default: 2, 4, 8 and 16")
    options.add_argument("--prompt", type=int, default=512, help="tokens")
    options.add_argument("--answer", type=int, default=64, help="tokens")
    options.add_argument("--rounds", type=int, default=None, help="default: 2, 7 with --quick")
    options.add_argument("--memory", type=int, metavar="N", help="only the memory of N workers")
    options.add_argument("--table", action="store_true", help="print what is kept, measure nothing")
    asked = options.parse_args()
    if asked.table:
        return table()

    model = demo_path() if asked.shape == "demo" else make(asked.shape, asked.quant)
    shape = "demo" if asked.shape == "demo" else f"{asked.shape} {asked.quant}"
    if asked.memory:
        return last_line({"shape": shape, "pss_bytes": memory(model, asked.memory)})
    kinds = ["seats"] if asked.quick else asked.kind or list(KINDS)
    counts = [_CROWD] if asked.quick else asked.count or [2, 4, 8, 16]
    rows = [(kind, count) for kind in kinds for count in counts]
    rounds = asked.rounds or (7 if asked.quick else 2)
    measured = measure(model, rows, asked.prompt, asked.answer, rounds)
    wall, cpu = measured["wall_s"], measured["cpu_s"]
    what = f"{shape}, prompt {asked.prompt}, answer {asked.answer}"
    keep(what, measured)
    if not asked.json:
        print(f"{machine()}; {what}, {rounds} rounds")
        print(f"{'':22}{'wall s':>8}{'ratio':>7}{'CPU s':>8}{'ratio':>7}{'PSS MiB':>9}")
        for name in wall:
            pss = measured["pss_bytes"].get(name)
            print(
                f"{name:22}{wall[name]:8.2f}{wall[name] / wall[ONE]:7.2f}"
                f"{cpu[name]:8.2f}{cpu[name] / cpu[ONE]:7.2f}"
                + (f"{pss >> 20:9,d}" if pss is not None else "")
            )
    result: dict[str, Any] = {"shape": shape, "prompt": asked.prompt, "answer": asked.answer}
    result |= {"rounds": rounds, "machine": machine(), **measured}
    if (eight := _name("seats", _CROWD)) in wall:
        result["seats_8_over_1"] = round(wall[eight] / wall[ONE], 3)
        result["seats_8_over_1_cpu"] = round(cpu[eight] / cpu[ONE], 3)
    last_line(result)
    return None


if __name__ == "__main__":
    main()
