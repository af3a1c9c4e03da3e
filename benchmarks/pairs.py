"""Which texts each embedding merges and splits, on 200 labelled pairs, with and without guards.

    scripts/bench pairs [--tune] [--misses] [--half development|report] [--json]

`pairs.jsonl` holds the pairs: a class, whether both texts say the same, and a half. Thresholds are
chosen on the half "development" (`--tune` prints how), and the tables show the half "report".
Backends: the built-in one; all-MiniLM-L6-v2 in llama.cpp (its weights are downloaded once, 84 MB);
and the same model in sentence-transformers, where that is installed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import _minilm
from benchmarks._node import last_line
from local_swarm.swarm.clusters import cosine
from local_swarm.swarm.embedding import MINILM, Embedder, Lexical, choose
from local_swarm.swarm.guards import contradict, signature

FILE = Path(__file__).with_name("pairs.jsonl")
_WRONG_MERGE = 2  # a wrong merge hides an answer: it weighs as much as two wrong splits


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts and whether they say the same."""

    id: str
    kind: str
    same: bool
    half: str
    texts: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with its cosine, and whether the guards keep it apart."""

    pair: Pair
    likeness: float
    guarded: bool

    def merged(self, threshold: float, guards: bool) -> bool:
        """Whether the two texts end up in one group."""
        return self.likeness >= threshold and not (guards and self.guarded)


def read(half: str | None = None) -> list[Pair]:
    """The labelled pairs, of one half or all."""
    rows = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    return [
        Pair(row["id"], row["class"], row["same"], row["half"], (row["a"], row["b"]))
        for row in rows
        if half in (None, row["half"])
    ]


def backends() -> Iterator[Embedder]:
    """What can be run here."""
    yield Lexical()
    try:
        yield choose(served=(MINILM, llama_cpp(_minilm.make())))
        if find_spec("sentence_transformers"):
            yield choose(folder=_minilm.unpack())
    except (_minilm.Unavailable, ImportError) as error:
        print(f"without {MINILM}: {error}", file=sys.stderr)


def llama_cpp(path: Path) -> Any:
    """A call that embeds texts by llama.cpp, in this process."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.embedding = True
    params.n_parallel = 8  # texts at once, of up to 512 tokens each
    params.n_ctx = params.n_batch = params.n_ubatch = 4096
    # A second thread would spin for the first more than it helps with so small a model.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.fit_params = params.warmup = False
    params.verbosity = 1
    server = xllamacpp.Server(params)

    def call(texts: Sequence[str]) -> list[list[float]]:
        answer = server.handle_embeddings({"input": list(texts)})
        rows = sorted(answer["data"], key=lambda row: row["index"])
        return [row["embedding"] for row in rows]

    return call


def judge(embedder: Embedder, pairs: Sequence[Pair]) -> list[Judged]:
    """Cosines and guards of all pairs."""
    vectors = embedder.embed([text for pair in pairs for text in pair.texts])
    return [
        Judged(pair, cosine(one, other), contradict(*map(signature, pair.texts)))
        for pair, one, other in zip(pairs, vectors[::2], vectors[1::2], strict=True)
    ]


def cost(judged: Sequence[Judged], threshold: float, guards: bool) -> int:
    """Wrong splits, and wrong merges twice."""
    return sum(
        (_WRONG_MERGE if merged else 1)
        for one in judged
        if (merged := one.merged(threshold, guards)) != one.pair.same
    )


def best(judged: Sequence[Judged], guards: bool) -> float:
    """The middle of the cheapest thresholds, in steps of 0.01."""
    steps = [at / 100 for at in range(20, 100)]
    costs = [cost(judged, at, guards) for at in steps]
    cheapest = [at for at, paid in zip(steps, costs, strict=True) if paid == min(costs)]
    return cheapest[len(cheapest) // 2]


def table(judged: Sequence[Judged], threshold: float) -> dict[str, list[int]]:
    """By class and in all: pairs that are the same, of them merged without and with guards;
    pairs that differ, of them merged without and with guards."""
    rows: dict[str, list[int]] = {}
    for one in judged:
        for kind in (one.pair.kind, "all"):
            row = rows.setdefault(kind, [0] * 6)
            start = 0 if one.pair.same else 3
            row[start] += 1
            row[start + 1] += one.merged(threshold, False)
            row[start + 2] += one.merged(threshold, True)
    rows["all"] = rows.pop("all")
    return rows


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--half", choices=["development", "report"], default="report")
    options.add_argument(
        "--tune", action="store_true", help="the best thresholds, from development"
    )
    options.add_argument("--misses", action="store_true", help="print the pairs judged wrongly")
    options.add_argument("--json", action="store_true", help="print only the line for programs")
    asked = options.parse_args()
    result: dict[str, Any] = {}
    half = "development" if asked.tune else asked.half
    for embedder in backends():
        judged = judge(embedder, read(half))
        if asked.tune:
            found = {name: best(judged, name == "guarded") for name in ("bare", "guarded")}
            result[embedder.name] = found
            if not asked.json:
                print(f"{embedder.name}: {found}, in use {embedder.threshold}")
            continue
        rows = table(judged, embedder.threshold)
        result[embedder.name] = {"threshold": embedder.threshold, "half": half, "classes": rows}
        if not asked.json:
            show(embedder, rows)
        if asked.misses:
            misses(judged, embedder.threshold)
    last_line(result)


def show(embedder: Embedder, rows: dict[str, list[int]]) -> None:
    """One table as Markdown."""
    print(f"\n{embedder.name}, threshold {embedder.threshold}\n")
    print("| class | same: merged | with guards | different: merged | with guards |")
    print("|---|---|---|---|---|")
    for kind, (same, bare, guarded, other, wrong, still) in rows.items():
        left = f"{bare} of {same} | {guarded} of {same}" if same else "|"
        right = f"{wrong} of {other} | {still} of {other}" if other else "|"
        print(f"| {kind} | {left} | {right} |")


def misses(judged: Sequence[Judged], threshold: float) -> None:
    """The pairs that are judged wrongly in spite of the guards."""
    for one in judged:
        merged = one.merged(threshold, True)
        if merged != one.pair.same:
            why = "merged" if merged else "guarded" if one.guarded else "split"
            print(f"{why:8}{one.likeness:5.2f}  {one.pair.id}: {' | '.join(one.pair.texts)}")


if __name__ == "__main__":
    main()
