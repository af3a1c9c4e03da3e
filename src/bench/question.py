"""Questions with known answers, and whether a ballot is right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..ballot import Answer, Ballot, Finish, ToolCall
from ..chat import ChatRequest, SwarmOptions
from ..errors import UsageError
from ..swarm.canonical import Asked, asked_of, join, key_of

_FORM = (
    'One JSON object a line: {"question": "What is 2 + 3?", "answer": "5", "family": "sums"}; '
    '"answer" may be a list of right answers, "messages", "tools", "calls", "response_format" and '
    '"max_tokens" are allowed, "family" and "id" are optional.'
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question. Any of `gold` is a right answer; `family` is the group it is reported in.

    `max_tokens` bounds one answer (tokens), `sampling` passes through to the engine.
    """

    id: str
    family: str
    messages: tuple[Mapping[str, Any], ...]
    gold: tuple[Answer, ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    response_format: Mapping[str, Any] | None = None
    max_tokens: int = 512
    sampling: Mapping[str, Any] = field(default_factory=dict)

    def request(self, swarm: SwarmOptions, **sampling: Any) -> ChatRequest:
        """The request that asks it."""
        return ChatRequest(
            id=self.id,
            messages=self.messages,
            tools=self.tools,
            response_format=self.response_format,
            max_tokens=self.max_tokens,
            sampling={**self.sampling, **sampling},
            swarm=swarm,
        )

    @property
    def asked(self) -> Asked:
        """What the engine makes of the request."""
        return asked_of(self.request(SwarmOptions()))

    def hash(self, **sampling: Any) -> str:
        """The same for the same request (64 hexadecimal digits), whatever its id and gold."""
        parts = [self.messages, self.tools, self.response_format, self.max_tokens]
        return digest([*parts, {**self.sampling, **sampling}])


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, the order of names left out."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=dict)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_right(asked: Asked, gold: Iterable[Answer], ballot: Ballot) -> bool:
    """Whether `ballot` says the same as one of the answers `gold`, by the keys of the vote."""
    key = key_of(asked, ballot)
    if key is None:
        return False
    for answer in gold:
        said, wanted = join([key, key_of(asked, _perfect(answer))])
        if said is not None and said == wanted:
            return True
    return False


def _perfect(answer: Answer) -> Ballot:
    finish = Finish.TOOL_CALLS if answer.tool_calls else Finish.STOP
    return Ballot(answer, "gold", "gold", "gold", finish, 0, 0.0)


def read(path: Path) -> list[Question]:
    """The questions of a file of JSON lines. Raises UsageError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise UsageError(f"{path} cannot be read: {reason}.") from None
    found = [
        parse(line, f"{path}, line {at}") for at, line in enumerate(lines, start=1) if line.strip()
    ]
    if not found:
        raise UsageError(f"{path} has no questions.", hint=_FORM)
    return found


def parse(line: str, where: str) -> Question:
    """One question from its JSON line. Raises UsageError."""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        raise UsageError(f"{where}: no JSON.", hint=_FORM) from None
    if not isinstance(given, dict):
        raise UsageError(f"{where}: no object.", hint=_FORM)
    messages = given.get("messages")
    if isinstance(given.get("question"), str):
        messages = [{"role": "user", "content": given["question"]}]
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise UsageError(f"{where}: neither a question nor messages.", hint=_FORM)
    gold = _gold(given, where)
    form, most = given.get("response_format"), given.get("max_tokens", 512)
    tools = given.get("tools") or []
    if not (form is None or isinstance(form, dict)) or not isinstance(tools, list):
        raise UsageError(f"{where}: tools is no list, or response_format no object.", hint=_FORM)
    if type(most) is not int or most < 1:
        raise UsageError(f"{where}: max_tokens is no positive number.", hint=_FORM)
    name = given.get("id")
    return Question(
        id=str(name) if name is not None else digest(messages)[:16],
        family=str(given.get("family") or "questions"),
        messages=tuple(messages),
        gold=gold,
        tools=tuple(tools),
        response_format=form,
        max_tokens=most,
    )


def _gold(given: Mapping[str, Any], where: str) -> tuple[Answer, ...]:
    if "calls" in given:
        return (Answer(tool_calls=_calls(given["calls"], where)),)
    answers = given.get("answer")
    answers = answers if isinstance(answers, list) else [answers]
    if not answers or any(a is None or isinstance(a, dict | list) for a in answers):
        raise UsageError(f"{where}: no answer.", hint=_FORM)
    return tuple(Answer(a if isinstance(a, str) else json.dumps(a)) for a in answers)


def _calls(given: Any, where: str) -> tuple[ToolCall, ...]:
    calls: Sequence[Any] = given if isinstance(given, list) else [given]
    made = []
    for call in calls:
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            raise UsageError(f"{where}: a call without a name.", hint=_FORM)
        arguments = call.get("arguments", {})
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        made.append(ToolCall("", call["name"], text))
    return tuple(made)
