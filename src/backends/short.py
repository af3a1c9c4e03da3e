"""Prompts so short that they need not be counted before they are admitted.

To count is one more question to the engine before each answer. Where the most that a prompt can
have fits at once, the first token of the answer tells what it has.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from ..chat import ChatRequest, text_of
from ..errors import SwarmError
from .admission import Admission, Shape, Share, shape
from .base import Grant, Piece

_LONGEST = 1024  # tokens: while more than that is read, a stream should already say that it lives
_SLACK = 16  # tokens
_PLAIN = {"role", "content"}
_ROLES = {"system", "user", "assistant"}
Count = Callable[[ChatRequest], Awaitable[int]]


class Short:
    """Knows what the model's chat template adds to the words, once it has learnt that."""

    def __init__(self, admission: Admission, context: int) -> None:
        self._admission, self._context = admission, context
        self._learnt = False
        self._base: int | None = None  # tokens of a chat without words
        self._each = 0  # tokens around a message, at most

    async def learn(self, count: Count) -> None:
        """Has the engine count three chats of one letter each. A template that refuses one of them
        is not trusted with any bound. Raises httpx.TransportError when the engine dies."""
        if self._learnt:
            return
        roles = (("user",), ("system", "user"), ("user", "assistant", "user"))
        with contextlib.suppress(SwarmError):
            one, system, three = [await count(_of(chat)) for chat in roles]
            self._base = max(one, system)
            self._each = max(system - one, (three - one + 1) // 2, 1)
        self._learnt = True

    def run(self, request: ChatRequest, seats: int) -> tuple[Shape, int] | None:
        """How `request` is run, and its bound, where that fits now as it was asked; else None."""
        bound = self._most(request)
        if bound is None or request.max_tokens is None:
            return None
        if bound > _LONGEST or bound + request.max_tokens > self._context:
            return None
        run = shape(
            seats=seats, prompt=bound, max_tokens=request.max_tokens, context=self._context,
            slots=self._admission.slots, cells=self._admission.cells,
        )  # fmt: skip
        share = Share(run.at_once, bound + run.at_once * run.max_tokens)
        fits = run.degraded is None and run.at_once == seats and self._admission.free(share)
        return (run, bound) if fits else None

    def _most(self, request: ChatRequest) -> int | None:
        """The most tokens that the prompt can have; None where only the engine can tell: images,
        calls, tools and schemas are written as each template likes.

        A token of a text stands for one byte of it at least: what llama.cpp's own common_tokenize
        takes for the upper limit, whatever the vocabulary.
        """
        if self._base is None or request.tools or request.response_format:
            return None
        if "chat_template_kwargs" in request.sampling:
            return None
        if not all(_is_plain(message) for message in request.messages):
            return None
        said = sum(_bytes(message) for message in request.messages)
        return self._base + len(request.messages) * self._each + said + _SLACK

    async def granted(
        self, stream: AsyncIterator[Piece], seats: int, bound: int
    ) -> AsyncIterator[Grant | Piece]:
        """`stream` behind the Grant that its own first tokens tell; what was reserved beyond them
        is given back."""
        held: list[Piece] | None = []
        async with aclosing(stream):  # type: ignore[type-var]
            async for piece in stream:
                if held is None:
                    yield piece
                    continue
                held.append(piece)
                if piece.prompt_tokens is None and piece.finish is None:
                    continue
                prompt = piece.prompt_tokens or bound
                if prompt > bound or piece.prompt_tokens is None:
                    self._base = None  # no more bounds for a template, or an engine, like this
                yield Grant(seats, prompt)
                for one in held:
                    yield one
                held = None


def _of(roles: tuple[str, ...]) -> ChatRequest:
    return ChatRequest("count", tuple({"role": role, "content": "a"} for role in roles))


def _is_plain(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    if isinstance(content, list):
        if not all(isinstance(part, Mapping) and part.get("type") == "text" for part in content):
            return False
    elif not isinstance(content, str):
        return False
    return message.keys() <= _PLAIN and message.get("role") in _ROLES


def _bytes(message: Mapping[str, Any]) -> int:
    return len(text_of(message["content"]).encode("utf-8", "replace"))
