"""Texts as vectors whose cosine says how alike they mean: three backends, one interface.

The best is a small embedding model in an engine of its own (`Served`); then sentence-transformers,
where the extra `semantic` is installed; else words and letters counted here (`Lexical`).
docs/similarity.md has what each merges and splits, and where the thresholds come from.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from . import lexicon, polarity
from .quantities import quantities, without

Vectors = list[list[float]]
Call = Callable[[Sequence[str]], Sequence[Sequence[float]]]


class Embedder(Protocol):
    """Turns texts into vectors of length 1, all of the same size.

    `threshold` is the least cosine of two texts that say the same, guards apart.
    """

    @property
    def name(self) -> str: ...

    @property
    def threshold(self) -> float: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, in order. Blocks: call it in a thread."""
        ...


class Lexical:
    """The built-in: stems, and the letters in them, hashed into a vector. No meaning, no model.

    Two texts are alike when they use the same words. The same on every machine.
    """

    name = "lexical"
    threshold = 0.47

    def embed(self, texts: Sequence[str]) -> Vectors:
        return [_hashed(text) for text in texts]


class Served:
    """An embedding model behind a call: an engine child, or any endpoint for embeddings.

    `call` gets texts without markdown and thoughts, at most 480 bytes each, and returns one vector
    for each; long texts come in pieces. What it raises goes through.
    """

    def __init__(self, name: str, call: Call, threshold: float) -> None:
        self.name = name
        self.threshold = threshold
        self._call = call

    def embed(self, texts: Sequence[str]) -> Vectors:
        return _by_pieces(texts, self._checked)

    def _checked(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        vectors = self._call(texts)
        if len(vectors) != len(texts):
            raise ValueError(f"{self.name} returned {len(vectors)} vectors for {len(texts)} texts")
        return vectors


class SentenceTransformers:
    """A sentence-transformers model from a local folder, on the CPU, never from a network.

    Loaded at the first call, then kept; calls wait for each other.
    """

    def __init__(self, folder: Path, threshold: float) -> None:
        self.name = f"sentence-transformers:{folder.name}"
        self.threshold = threshold
        self._folder = folder
        self._lock = Lock()
        self._model: Any = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            self._model = self._model or self._load()
            return _by_pieces(texts, self._encode)

    def _encode(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        vectors = self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)
        return [[float(value) for value in vector] for vector in vectors]

    def _load(self) -> Any:
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)


MINILM = "all-MiniLM-L6-v2"
_THRESHOLDS = {MINILM: 0.68}
_THRESHOLD = 0.8  # of a model that nobody has measured


def threshold_of(model: str) -> float:
    """The threshold of an embedding model, by its name; a careful one where it is not known."""
    known = [at for name, at in _THRESHOLDS.items() if name.casefold() in model.casefold()]
    return known[0] if known else _THRESHOLD


def choose(served: tuple[str, Call] | None = None, folder: Path | None = None) -> Embedder:
    """The best embedder at hand: the model that an engine serves, given by its name and a call;
    else the sentence-transformers model in `folder`, where that package is installed; else ours.
    """
    if served is not None:
        name, call = served
        return Served(name, call, threshold_of(name))
    if folder is not None and folder.is_dir() and find_spec("sentence_transformers"):
        return SentenceTransformers(folder, threshold_of(folder.name))
    return Lexical()


_PIECE = 480  # bytes: never more tokens than the 512 that small embedding models read


def _by_pieces(texts: Sequence[str], call: Call) -> Vectors:
    """One vector a text: the mean over its pieces, so that nothing is cut off unseen."""
    pieces = [_pieces(_prepared(text)) for text in texts]
    flat = iter(call([piece for parts in pieces for piece in parts]) if pieces else [])
    vectors = []
    for parts in pieces:
        whole: list[float] = []
        for piece in parts:
            share = len(piece) if len(parts) > 1 else 1
            part = [share * value for value in _unit(next(flat))]
            whole = [a + b for a, b in zip(whole, part, strict=True)] if whole else part
        vectors.append(_unit(whole) if len(parts) > 1 else whole)
    return vectors


def _pieces(words: str) -> list[str]:
    """Parts of at most `_PIECE` bytes, cut between words where there are any."""
    parts, rest = [], words or " "
    while len(rest.encode("utf-8", "replace")) > _PIECE:
        head = rest.encode("utf-8", "replace")[:_PIECE].decode("utf-8", "ignore")
        cut = head.rfind(" ") + 1 or len(head)
        parts.append(rest[:cut])
        rest = rest[cut:]
    return [*parts, rest] if rest or not parts else parts


def _prepared(text: str) -> str:
    """Without thoughts and markdown; of an answer that is only a yes or a no, that word."""
    words = lexicon.plain(text)
    return polarity.bare(words) or words


_SIZE = 1024
_LETTERS = 0.35  # weight of all letter groups of a word together; the word itself has 1


def _hashed(text: str) -> list[float]:
    words = _prepared(text)
    vector = [0.0] * _SIZE
    numbers = [f"={number.size}{number.unit}" for number in quantities(words)]
    rest = without(words)
    stems = lexicon.content(rest) if rest.strip() else []
    # "unsafe" is about safety: whether it is asserted or denied is for the guards to see.
    for stem in [*(lexicon.PREFIXED.get(stem, stem) for stem in stems), *numbers]:
        _add(vector, stem, 1.0)
        padded = f"^{stem}$"
        groups = [padded[at : at + 3] for at in range(len(padded) - 2)]
        for group in groups:
            _add(vector, f"3:{group}", _LETTERS / math.sqrt(len(groups)))
    return _unit(vector)


def _add(vector: list[float], feature: str, weight: float) -> None:
    code = zlib.crc32(feature.encode("utf-8", "replace"))
    vector[code % _SIZE] += weight if code & 0x8000_0000 else -weight


def _unit(vector: Sequence[float]) -> list[float]:
    length = math.sqrt(math.fsum(value * value for value in vector))
    return [value / length for value in vector] if length else [float(v) for v in vector]
