"""Which embeddings a node takes, and that they reach the vote."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from benchmarks import _minilm
from local_swarm.errors import ModelFileError
from local_swarm.meaning import Meaning, meaning
from local_swarm.models.gguf import is_embedding, read_spec
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment
from local_swarm.swarm.clusters import cosine


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an embedding model among others."""
    folder = tmp_path_factory.mktemp("models")
    try:
        made = _minilm.make()
    except _minilm.Unavailable as error:
        pytest.skip(str(error))
    for place, path in (("a--demo", demo_path()), ("b--minilm", made)):
        (folder / place).mkdir()
        shutil.copy(path, folder / place / path.name)
    return folder


async def embed(by: Meaning, *texts: str) -> list[tuple[float, ...]]:
    try:
        return [await by.embed(text) for text in texts]
    finally:
        await by.close()


def test_without_any_model_the_words_are_compared(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        found = meaning(folder, {}, 2)
        assert (found.name, found.engine) == ("lexical", None)
        vector = asyncio.run(embed(found, "the sea is deep")).pop()
        assert cosine(vector, vector) == pytest.approx(1.0)


def test_an_embedding_model_in_the_store_is_used(store: Path) -> None:
    found = meaning(store, clean_environment(), 2)
    assert found.name.startswith("all-MiniLM") and found.engine is not None

    texts = ("The film was really good.", "The movie was very good.", "Iron rusts.")
    film, movie, iron = asyncio.run(embed(found, *texts))
    assert cosine(film, movie) > found.threshold > cosine(film, iron)


def test_an_embedding_model_is_no_chat_model(store: Path) -> None:
    path = next(store.glob("b--minilm/*.gguf"))
    assert is_embedding(path) and not is_embedding(demo_path())
    with pytest.raises(ModelFileError, match="makes embeddings"):
        read_spec(path)
    assert not is_embedding(store / "nothing.gguf")
