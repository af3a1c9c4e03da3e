"""What llama.cpp's server does with bare text: tokens, completions, and gaps to be filled."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from ..ballot import Finish, TokenChance
from ..capabilities import Completion, Part, Token
from ..chat import ChatRequest
from ..errors import ContextOverflow, EngineError, EngineUnavailable, InvalidRequest
from .admission import Admission, Share
from .llama_http import LlamaHttp, field_of
from .process import Child

_MARKS = 16  # tokens that mark prefix, suffix, middle and file names in a gap's prompt
_FIELDS = [
    "content", "stop", "stop_type", "completion_probabilities", "tokens_predicted",
    "tokens_evaluated",
]  # fmt: skip


class LlamaText:
    """A Tokenizer and a Completer over the engine's child. See capabilities.py.

    Completions take one seat of the same admission as chats; `settle` gives a share back once the
    engine has noticed a hang-up.
    """

    def __init__(
        self,
        http: LlamaHttp,
        child: Child,
        admission: Admission,
        context: int,
        settle: Callable[[Share], None],
    ) -> None:
        self._http, self._child, self._admission = http, child, admission
        self._context, self._settle = context, settle

    async def tokenize(self, text: str, *, add_special: bool) -> Sequence[Token]:
        """See Tokenizer.tokenize."""
        asked = {"content": text, "add_special": add_special, "with_pieces": True}
        made = await self._ask("/tokenize", {**asked, "parse_special": True}, "tokens")
        return [Token(token["id"], _bytes(token["piece"])) for token in made]

    async def detokenize(self, tokens: Sequence[int]) -> str:
        """See Tokenizer.detokenize."""
        try:
            return str(await self._ask("/detokenize", {"tokens": list(tokens)}, "content"))
        except EngineUnavailable:
            raise
        except EngineError:  # an id outside the vocabulary is a 500 there
            raise InvalidRequest("There are ids outside the vocabulary.", param="tokens") from None

    async def count(self, request: ChatRequest) -> int:
        """See Tokenizer.count."""
        return int(await self._twice(lambda: self._http.count(request)))

    async def complete(self, completion: Completion) -> AsyncIterator[Part]:
        """See Completer.complete."""
        prompt = await self._prompt_tokens(completion)
        room = self._context - prompt
        if room < 1 and completion.suffix is None:
            raise ContextOverflow(prompt, self._context)
        limit = max(1, min(completion.max_tokens, room))
        share = Share(1, min(prompt, self._context - 1) + limit)
        await self._admission.acquire(share)
        whole = False
        try:
            path, asked = _asked(completion, limit)
            for attempt in (1, 2):
                generation, begun = await self._child.ready(), False
                try:
                    async with aclosing(self._http.events(path, asked)) as events:
                        async for event in events:
                            begun = True
                            yield _part(event)
                    whole = True
                    return
                except httpx.TransportError as broken:
                    if begun or attempt == 2:
                        raise EngineUnavailable(
                            "The engine died on this request.", hint="Try again."
                        ) from broken
                    await self._again(generation)
        finally:
            if whole:
                self._admission.release(share)
            else:
                self._settle(share)

    async def _prompt_tokens(self, completion: Completion) -> int:
        """How much of the context the prompt takes; of a gap the engine cuts off what is far."""
        if not isinstance(completion.prompt, str):
            return len(completion.prompt)
        files = [text for pair in completion.files for text in pair]
        texts = [completion.prompt, completion.suffix or "", *files]
        counted = len(await self.tokenize("".join(texts), add_special=True))
        if completion.suffix is None:
            return counted
        return min(counted + _MARKS, max(1, self._context - completion.max_tokens))

    async def _ask(self, path: str, asked: dict[str, Any], name: str) -> Any:
        async def once() -> Any:
            return field_of(await self._http.post(path, asked), name)

        return await self._twice(once)

    async def _twice(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Asks once more where the engine died, or had just closed an idle connection."""
        generation = await self._child.ready()
        try:
            return await ask()
        except httpx.TransportError:
            await self._again(generation)
        try:
            return await ask()
        except httpx.TransportError as broken:
            raise EngineUnavailable(
                "The engine died on this request.", hint="Try again."
            ) from broken

    async def _again(self, generation: int) -> None:
        here = self._child.generation == generation and self._child.state == "ready"
        if not here or not await self._http.alive():
            await self._child.ready(after=generation)


def _asked(completion: Completion, limit: int) -> tuple[str, dict[str, Any]]:
    """The engine's route and body for a completion."""
    asked: dict[str, Any] = {
        **completion.sampling,
        "n_predict": limit,
        "stream": True,
        "response_fields": _FIELDS,
    }
    if completion.top is not None:
        asked["n_probs"] = max(1, completion.top)
    if completion.suffix is None:
        prompt = completion.prompt
        return "/completion", {**asked, "prompt": prompt if isinstance(prompt, str) else [*prompt]}
    files = [{"filename": name, "text": text} for name, text in completion.files]
    gap = {"input_prefix": completion.prompt, "input_suffix": completion.suffix}
    return "/infill", {**asked, **gap, "input_extra": files}


def _part(event: str) -> Part:
    """Raises RemoteProtocolError for an event that is no part of an answer."""
    try:
        made = json.loads(event)
        if "error" in made:
            message = made["error"].get("message")
            raise EngineError(f"The engine failed: {message}.", hint="Try again.")
        finish = None
        if made.get("stop"):
            finish = Finish.LENGTH if made.get("stop_type") == "limit" else Finish.STOP
        return Part(
            text=made.get("content") or "",
            chances=tuple(_chance(token) for token in made.get("completion_probabilities") or ()),
            finish=finish,
            tokens=made.get("tokens_predicted") or 0,
            prompt_tokens=made.get("tokens_evaluated") or 0,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise httpx.RemoteProtocolError("the engine sent no part of an answer") from None


def _chance(token: dict[str, Any]) -> TokenChance:
    top = tuple((other["token"], other["logprob"]) for other in token.get("top_logprobs") or ())
    return TokenChance(token["token"], token["logprob"], top)


def _bytes(piece: str | list[int]) -> bytes:
    """A piece is a list of bytes where it is no UTF-8 by itself."""
    return piece.encode("utf-8", "replace") if isinstance(piece, str) else bytes(piece)
