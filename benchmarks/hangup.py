"""How long the engine works on for a caller who hung up: 8 seats, plain and streamed requests.

    scripts/bench hangup [--rounds N] [--into SECONDS] [--json]

Measured from closing the socket until `/swarm/status` shows no busy slot, which the node says only
once the engine's own slots are idle; the polling is part of the figure. A caller who hangs up while
the prompt is still read (on a busy machine, or with a small --into) is noticed up to 1 s later:
until the first token the engine looks once a second.
"""

from __future__ import annotations

import argparse
import json
import socket
import time
from statistics import median

from benchmarks._node import Node, body, last_line, machine, running
from benchmarks._shapes import make


def hang_up(node: Node, stream: bool, seed: int, into: float) -> float:
    """Milliseconds from the hang-up to idle slots."""
    asked = json.dumps({**body(8, 256, 500, seed), "stream": stream})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(asked)}"
    port = int(node.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.sendall(f"{head}\r\nContent-Type: application/json\r\n\r\n{asked}".encode())
        while busy(node) < 8:
            time.sleep(0.01)
        time.sleep(into)  # into the middle of the answers
    started = time.perf_counter()
    while busy(node):
        time.sleep(0.005)  # asking without a pause would take a core from the engine
    return (time.perf_counter() - started) * 1000


def busy(node: Node) -> int:
    """Slots at work."""
    return int(node.http.get("/swarm/status").json()["engines"][0]["slots_busy"])


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--into", type=float, default=1.0, help="seconds until the hang-up")
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    asked = options.parse_args()
    figures: dict[str, list[float]] = {"plain": [], "streamed": []}
    with running(make("135m"), seats=8, context=1024) as node:
        for seed in range(asked.rounds):
            for at, name in enumerate(figures):
                figures[name].append(hang_up(node, name == "streamed", 2 * seed + at, asked.into))
    if not asked.json:
        print(f"{machine()}; 135m q8_0, 8 seats, {asked.rounds} rounds")
        for name, values in figures.items():
            print(f"{name:10} median {median(values):6.0f} ms   longest {max(values):6.0f} ms")
    last_line({name: [round(value) for value in values] for name, values in figures.items()})


if __name__ == "__main__":
    main()
