"""The first of several engines that starts: where one does not run here, the next one is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from ..capabilities import Completion, Part, Token
from ..chat import ChatRequest
from ..errors import EngineUnavailable, InvalidRequest, SwarmError, UsageError
from ..status import EngineStatus
from .base import Grant, Piece, Served

Make = Callable[[], Served]


class Fallback:
    """An Engine over the first of `tries` (name and maker) that starts.

    `told` hears of each that was tried, with the reason why it did not start, or None.
    """

    def __init__(
        self,
        model: str,
        tries: Sequence[tuple[str, Make]],
        told: Callable[[str, str | None], None] = lambda name, fault: None,
    ) -> None:
        self._model, self._tries, self._told = model, tries, told
        self._engine: Served | None = None
        self._faults: list[str] = []
        self._closed = False
        self.text = FallbackText(self)

    @property
    def model(self) -> str:
        return self._model

    @property
    def engine(self) -> Served:
        """The one that runs. Raises EngineUnavailable before."""
        if self._engine is None:
            raise EngineUnavailable("The engine is loading.", hint="Try again in a moment.")
        return self._engine

    async def start(self) -> None:
        """Raises the first engine's error, with what became of the others, when none starts."""
        first: SwarmError | None = None
        for name, make in self._tries:
            try:
                self._engine = engine = make()
                await engine.start()
            except SwarmError as fault:
                if self._closed:
                    raise
                await self._drop()
                first = first or fault
                self._faults.append(f"{name}: {fault.message.rstrip('.')}")
                if not isinstance(fault, UsageError):  # what was asked of it is not its fault
                    self._told(name, fault.message)
                continue
            self._told(name, None)
            return
        others = "; ".join(self._faults[1:])
        assert first is not None
        raise EngineUnavailable(
            f"{first.message} Other engines: {others}." if others else first.message,
            hint=first.hint,
        )

    async def _drop(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    async def sample(self, request: ChatRequest, seats: int) -> AsyncIterator[Grant | Piece]:
        """See Engine.sample."""
        stream: Any = self.engine.sample(request, seats)
        async with aclosing(stream):
            async for item in stream:
                yield item

    async def close(self) -> None:
        self._closed = True
        if self._engine is not None:
            await self._engine.close()

    def status(self, *, memory: bool = True) -> EngineStatus:
        """The status of the one that runs; while none does, that of none."""
        if self._engine is not None:
            return self._engine.status(memory=memory)
        why = "; ".join(self._faults) or None
        state = "failed" if len(self._faults) == len(self._tries) else "loading"
        return EngineStatus(
            self._model, None, state, 0, None, None, 0, 0, 0, 0, 0, 0, None, why
        )  # fmt: skip


class FallbackText:
    """Tokenizer and Completer of the engine that runs, where it is one that has them."""

    def __init__(self, of: Fallback) -> None:
        self._of = of

    def _text(self) -> Any:
        text = getattr(self._of.engine, "text", None)
        if text is None:
            raise InvalidRequest("The engine of this node cannot do that.")
        return text

    async def tokenize(self, text: str, *, add_special: bool) -> Sequence[Token]:
        """See Tokenizer."""
        made: Sequence[Token] = await self._text().tokenize(text, add_special=add_special)
        return made

    async def detokenize(self, tokens: Sequence[int]) -> str:
        """See Tokenizer."""
        return str(await self._text().detokenize(tokens))

    async def count(self, request: ChatRequest) -> int:
        """See Tokenizer."""
        return int(await self._text().count(request))

    async def complete(self, completion: Completion) -> AsyncIterator[Part]:
        """See Completer."""
        async with aclosing(self._text().complete(completion)) as parts:
            async for part in parts:
                yield part
