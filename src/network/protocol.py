"""The wire of ballots between two machines: one question as JSON, and lines of JSON that answer it.

    POST /peer/v1/ballots   a Question
    200                     Accepted, then Heartbeat each second, a Commit before each Cast, an End

Everything here comes from another machine. Sizes, counts, numbers and text are checked once, on
entry; what is not understood is refused whole. Names that are not known are skipped, so that a
newer machine may say more.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from ..ballot import Answer, Ballot, Finish, ToolCall
from ..chat import ChatRequest, SwarmOptions
from . import strict
from .sampling import checked

PATH = "/peer/v1/ballots"
VERSION = 1
MAX_BODY = 4 << 20  # bytes of a question
MAX_LINE = 2 << 20  # bytes of one line
MAX_STREAM = 16 << 20  # bytes of all lines
MAX_LINES = 2000  # heartbeats of five minutes and the ballots many times over
MAX_SEATS = 64
MAX_DEADLINE_MS = 300_000
MAX_TOKENS = 1 << 20
MAX_HOPS = 1
_TEXT = 1 << 17  # characters of an answer
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class NotUnderstood(ValueError):
    """What a peer sent breaks the protocol; the text names the place and never the content."""


class _Wall(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)


def _plain(name: str) -> str:
    if not name.isprintable():
        raise ValueError("has characters that cannot be printed")
    return name


_Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS)]
_Seat = Annotated[int, Field(ge=0, lt=MAX_SEATS)]
_Name = Annotated[str, Field(min_length=1, max_length=128)]


class Question(_Wall):
    """What a peer is asked: the request, how many seats, and how much time is left.

    `hop` counts the machines that it went through; `model` is None where any will do.
    """

    protocol: int
    id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\w.:-]+$")]
    hop: Annotated[int, Field(ge=0, le=MAX_HOPS)]
    deadline_ms: Annotated[int, Field(ge=1, le=MAX_DEADLINE_MS)]
    seats: Annotated[int, Field(ge=1, le=MAX_SEATS)]
    model: _Name | None = None
    messages: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=4096)]
    tools: Annotated[list[dict[str, Any]], Field(max_length=256)] = []
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    sampling: dict[str, Any] = {}

    @field_validator("messages")
    @classmethod
    def _words(cls, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not all(message.get("role") in _ROLES for message in messages):
            raise ValueError("a message has no known role")
        if not all(is_text(message.get("content")) for message in messages):
            raise ValueError("a message has more than text")
        return messages

    @field_validator("sampling")
    @classmethod
    def _sampling(cls, given: dict[str, Any]) -> dict[str, Any]:
        return checked(given)

    def request(self) -> ChatRequest:
        """The same in our own words; it never goes on to a further machine."""
        return ChatRequest(
            id=self.id,
            messages=tuple(self.messages),
            model=self.model or "local-swarm",
            tools=tuple(self.tools),
            tool_choice=self.tool_choice,
            response_format=self.response_format,
            max_tokens=self.max_tokens,
            sampling=self.sampling,
            swarm=SwarmOptions(seats=self.seats, scope="local", local_only=True),
        )


class Accepted(_Wall):
    """The question is taken; so many seats will answer. Said again where they turn out fewer."""

    kind: Literal["accepted"] = "accepted"
    seats: Annotated[int, Field(ge=1, le=MAX_SEATS)]


class Heartbeat(_Wall):
    """The peer lives; the tokens of each seat so far."""

    kind: Literal["heartbeat"] = "heartbeat"
    tokens: Annotated[list[_Tokens], Field(max_length=MAX_SEATS)] = []


class Commit(_Wall):
    """The hash of a seat's ballot, before the ballot itself: see `Cast.digest`."""

    kind: Literal["commit"] = "commit"
    seat: _Seat
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Call(_Wall):
    """A tool call that is proposed, never executed there."""

    id: Annotated[str, Field(max_length=256)]
    name: Annotated[str, Field(max_length=256)]
    arguments: Annotated[str, Field(max_length=_TEXT)]


class Cast(_Wall):
    """One ballot. It says nothing of its key, its seed or its time: who asked finds those out."""

    kind: Literal["ballot"] = "ballot"
    seat: _Seat
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    model: _Name
    text: Annotated[str, Field(max_length=_TEXT)] = ""
    reasoning: Annotated[str, Field(max_length=_TEXT)] = ""
    tool_calls: Annotated[list[Call], Field(max_length=64)] = []
    finish: Literal["stop", "length", "tool_calls", "error"]
    tokens: _Tokens
    confidence: Annotated[float, Field(ge=0, le=1, strict=False)] | None = None

    @field_validator("model")
    @classmethod
    def _printable(cls, model: str) -> str:
        return _plain(model)

    @classmethod
    def of(cls, ballot: Ballot, seat: int, salt: str) -> Cast:
        """A ballot of ours, as it is sent; an answer longer than the wire allows is one cut off."""
        answer = ballot.answer
        whole = len(answer.text) <= _TEXT and len(answer.tool_calls) <= 64
        return cls(
            seat=seat,
            salt=salt,
            model=ballot.model[:128],
            text=_utf8(answer.text)[:_TEXT],
            reasoning=_utf8(answer.reasoning)[:_TEXT],
            tool_calls=[
                Call(id=_utf8(c.id)[:256], name=_utf8(c.name)[:256], arguments=_utf8(c.arguments))
                for c in answer.tool_calls[:64]
                if len(c.arguments) <= _TEXT
            ],
            finish=ballot.finish.value if whole else "length",
            tokens=min(ballot.tokens, MAX_TOKENS),
            confidence=ballot.confidence,
        )

    def digest(self, request_id: str) -> str:
        """SHA-256 of the question's id and the ballot with its salt, as sorted JSON."""
        whole = json.dumps([request_id, self.model_dump()], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(whole.encode("ascii")).hexdigest()

    @property
    def answer(self) -> Answer:
        calls = tuple(ToolCall(call.id, call.name, call.arguments) for call in self.tool_calls)
        return Answer(self.text, calls, self.reasoning)

    @property
    def ended(self) -> Finish:
        return Finish(self.finish)


class End(_Wall):
    """Nothing more comes, and why: `done`, or what stopped the seats."""

    kind: Literal["end"] = "end"
    why: Literal["done", "deadline", "preempted", "failed", "too_long"]


Line = Accepted | Heartbeat | Commit | Cast | End
_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


def question(
    request: ChatRequest, seats: int, deadline_s: float | None, model: str | None
) -> bytes:
    """The body that asks a peer. Raises NotUnderstood for what peers do not take: more than text
    in a message, or a body above MAX_BODY."""
    left = MAX_DEADLINE_MS if deadline_s is None else int(deadline_s * 1000)
    asked = {
        "protocol": VERSION,
        "id": request.id,
        "hop": 1,
        "deadline_ms": max(1, min(left, MAX_DEADLINE_MS)),
        "seats": seats,
        "model": model,
        "messages": list(request.messages),
        "tools": list(request.tools),
        "tool_choice": request.tool_choice,
        "response_format": request.response_format,
        "max_tokens": request.max_tokens,
        "sampling": dict(request.sampling),
    }
    if not all(is_text(message.get("content")) for message in request.messages):
        raise NotUnderstood("a message has more than text")
    body = json.dumps(asked, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    if len(body) > MAX_BODY:
        raise NotUnderstood("the question is too large")
    return body


def read_question(body: bytes) -> Question:
    """A peer's question. Raises NotUnderstood."""
    if len(body) > MAX_BODY:
        raise NotUnderstood("the question is too large")
    try:
        return Question.model_validate(_json(body))
    except ValidationError as error:
        raise NotUnderstood(_where(error)) from None


def read_line(line: bytes) -> Line:
    """One line of a peer's answer. Raises NotUnderstood."""
    if len(line) > MAX_LINE:
        raise NotUnderstood("a line is too long")
    try:
        return _LINE.validate_python(_json(line))
    except ValidationError as error:
        raise NotUnderstood(_where(error)) from None


def write_line(line: Line) -> bytes:
    """A line of our own, newline included."""
    return line.model_dump_json().encode() + b"\n"


def is_text(content: Any) -> bool:
    """Whether a message's content is text, or parts that are: a peer fetches nothing."""
    if content is None or isinstance(content, str):
        return True
    return isinstance(content, list) and all(
        isinstance(part, dict)
        and part.get("type", "text") == "text"
        and isinstance(part.get("text"), str)
        for part in content
    )


def _json(data: bytes) -> Any:
    try:
        return strict.json_of(data)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None


def _utf8(text: str) -> str:
    """Half of a surrogate pair, which UTF-8 cannot carry, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _where(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part)[:32] for part in first["loc"][:4])
    return f"{place or 'the whole'}: {first['type']}"
