"""Lays tokenized conversations one behind the other, for batches of about equal size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from .corpus import training
from .template import render

GROUP = 256
"""Conversations tokenized at once."""


class Document(NamedTuple):
    """A conversation's token ids and which of them the model learns to write."""

    ids: list[int]
    learned: list[bool]


class Part(NamedTuple):
    """Conversations one behind the other: all ids, each one's length, the positions whose next
    token is learned, and those next tokens."""

    ids: Tensor
    lengths: list[int]
    keep: Tensor
    targets: Tensor


def documents(tokenizer: Tokenizer, seed: int, context: int) -> Iterator[Document]:
    """Tokenized conversations that fit the context."""
    stream = training(seed)
    while True:
        group = [render(made.turns, made.tools) for made in islice(stream, GROUP)]
        # Pieces meet at special tokens or line ends, where the whole text splits as well.
        coded = iter(tokenizer.encode_batch_fast([text for one in group for text, _ in one]))
        for one in group:
            document = Document([], [])
            for _, learned in one:
                ids = next(coded).ids
                document.ids.extend(ids)
                document.learned.extend([learned] * len(ids))
            if len(document.ids) <= context:
                yield document


def parts(tokenizer: Tokenizer, seed: int, context: int, tokens: int) -> Iterator[Part]:
    """Parts of at least `tokens` tokens; the same seed gives the same parts."""
    stream = documents(tokenizer, seed, context)
    while True:
        lengths: list[int] = []
        ids: list[int] = []
        learned: list[bool] = []
        while len(ids) < tokens:
            document = next(stream)
            lengths.append(len(document.ids))
            ids += document.ids
            learned += document.learned
        every = torch.tensor(ids)
        keep = torch.tensor(learned)[1:].nonzero()[:, 0]  # a first token is never learned
        yield Part(every, lengths, keep, every[keep + 1])
