"""Memory as the planner predicts it against what an engine takes: within 10 %.

    scripts/bench footprint [--quick] [--json]

Each file is loaded as a plan says, all its seats answer one prompt of more than one batch, and the
engine's PSS is read. The prediction is without the cache of earlier chats, which is still empty
then. Weights are random: their memory is that of real ones. Exit status 1 when a row is off by
more than 10 %.

The engine rearranges 4-bit weights for the processor's vector instructions. The pages of the file
that it copied them from stay mapped until the system wants them back: they are shown as droppable,
and not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks._shapes import make
from local_swarm.backends.llama_server import LlamaConfig, LlamaServer
from local_swarm.backends.memory import resident_of
from local_swarm.chat import ChatRequest
from local_swarm.hardware.detect import detect
from local_swarm.hardware.profile import Budget
from local_swarm.models.gguf import read_spec
from local_swarm.models.planner import Plan, plan
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment

_MIB = 1 << 20
_ENOUGH = 64 << 30
_OFF = 0.10


@dataclass(frozen=True, slots=True)
class Row:
    """One engine: MiB as predicted and as measured."""

    model: str
    seats: int
    cells: int
    weights: int
    kv: int
    compute: int
    predicted: int
    measured: int
    droppable: int

    @property
    def error(self) -> float:
        """How far the prediction is off, as a share of what was measured."""
        return self.predicted / self.measured - 1


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="the demo model and 135M only")
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    options.add_argument("--only", help="a file whose name has this in it")
    asked = options.parse_args()
    files = [demo_path(), make("135m")]
    if not asked.quick:
        files += [make("0.5b"), make("1.5b"), make("1.5b", "q4_k")]
    files = [path for path in files if not asked.only or asked.only in path.name]
    rows = []
    for path in files:
        for seats, context in ((1, 2048), (5, 8192)):
            rows.append(asyncio.run(_row(path, seats, context)))
            if not asked.json:
                _print(rows[-1], first=len(rows) == 1)
    worst = max(abs(row.error) for row in rows)
    print(json.dumps({"worst": round(worst, 3), "rows": [asdict(row) for row in rows]}))
    sys.exit(worst > _OFF)


async def _row(path: Path, seats: int, context: int) -> Row:
    spec = read_spec(path)
    budget = Budget(_ENOUGH, "cpu", "measured")
    made = plan(detect(), budget, [spec], seats=seats, context=context)
    measured, droppable = await _measured(made, path)
    need = made.need
    predicted = need.total - need.cache
    parts = (need.weights, need.kv, need.compute, predicted, measured, droppable)
    return Row(path.stem, seats, made.cells, *(size // _MIB for size in parts))


async def _measured(made: Plan, path: Path) -> tuple[int, int]:
    """(PSS of the engine after an answer of all seats, droppable pages) in bytes."""
    config = LlamaConfig(
        model=made.spec.id,
        path=path,
        slots=made.slots,
        context=made.context,
        cells=made.cells,
        threads=made.threads,
        prompt_cache_mib=64,
    )
    engine = LlamaServer(config, clean_environment())
    await engine.start()
    try:
        long = "q" * min(520, made.context // 2)  # a letter is a token of these models
        request = ChatRequest(
            id="footprint",
            messages=({"role": "user", "content": long},),
            model=made.spec.id,
            max_tokens=4,
        )
        async with aclosing(engine.sample(request, made.seats)) as pieces:  # type: ignore[type-var]
            async for _ in pieces:
                pass
        pss, pid = engine.status().pss, engine.status().pid
        if pss is None or pid is None:
            raise SystemExit("this system does not tell the memory of a process")
        taken = resident_of(pid, path, made.need)
        assert taken is not None
        return taken, pss - taken
    finally:
        await engine.close()


def _print(row: Row, *, first: bool) -> None:
    if first:
        print("| model | seats | KV tokens | predicted MiB | measured MiB | off | droppable MiB |")
        print("|---|---|---|---|---|---|---|", flush=True)
    print(
        f"| {row.model} | {row.seats} | {row.cells:,} | {row.predicted:,} | {row.measured:,} "
        f"| {row.error:+.1%} | {row.droppable:,} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
