"""An engine that plays a capable model: agents send prompts that no small model could carry.

Each of three seats says the same, so a real vote is held. It writes the file that it is asked for
through whichever tool the client offers, and ends with a sentence when it sees the result.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from local_swarm.backends.base import Grant, Piece, ToolDelta
from local_swarm.ballot import Finish
from local_swarm.chat import ChatRequest, text_of

WORD = "marmalade"  # what the answer in words must hold
SUM = "What is 17 + 25?"
FILE, CONTENT = "hello.txt", "hello from the swarm"
ASK_WORD = f"Which word rhymes with nothing here? Say {WORD} and nothing else, use no tool."
ASK_FILE = f"Write a file {FILE} that holds exactly: {CONTENT}"
_DONE = f"{FILE} is written."


class ScriptedEngine:
    """An Engine. `seen` keeps the requests."""

    model = "scripted"

    def __init__(self) -> None:
        self.seen: list[ChatRequest] = []

    async def sample(self, request: ChatRequest, seats: int) -> AsyncIterator[Grant | Piece]:
        """See Engine.sample."""
        self.seen.append(request)
        yield Grant(seats, sum(len(text_of(m.get("content"))) for m in request.messages) // 4)
        text, call = answer(request)
        for seat in range(seats):
            for word in re.findall(r"\S+\s*", text):
                yield Piece(seat, word, logprobs=(-0.1,))
                await asyncio.sleep(0)
            finish = Finish.TOOL_CALLS if call else Finish.STOP
            calls = (ToolDelta(0, f"call_{len(self.seen)}{seat}", *call),) if call else ()
            yield Piece(seat, tool_calls=calls, tokens=12, finish=finish)

    async def close(self) -> None:
        """Nothing to end."""


def answer(request: ChatRequest) -> tuple[str, tuple[str, str] | None]:
    """The words, or the call (name, arguments), that the request deserves."""
    said = "\n".join(text_of(message.get("content")) for message in request.messages)
    last = request.messages[-1]
    if CONTENT not in said:
        return WORD, None
    if last.get("role") == "tool":
        finishing = _tool(request, r"attempt_completion|submit|finish")
        if finishing and not _called(request, finishing[0]):
            return "", (finishing[0], json.dumps(_arguments(finishing[1], _DONE)))
        return _DONE, None
    if not request.tools:  # aider's whole-file format
        return f"{FILE}\n```\n{CONTENT}\n```\n", None
    if writing := _tool(request, r"^write(?!_stdin)|write_to_file|^editor$|create_file"):
        return "", (writing[0], json.dumps(_arguments(writing[1], CONTENT)))
    if shell := _tool(request, r"exec_command|shell|bash|run_command"):
        return "", (shell[0], json.dumps(_arguments(shell[1], f"echo '{CONTENT}' > {FILE}")))
    return "There is no tool that writes.", None


def _called(request: ChatRequest, name: str) -> bool:
    return any(
        call["function"]["name"] == name
        for message in request.messages
        for call in message.get("tool_calls") or ()
    )


def _tool(request: ChatRequest, pattern: str) -> tuple[str, Mapping[str, Any]] | None:
    for tool in request.tools:
        function = tool["function"]
        if re.search(pattern, function["name"], re.IGNORECASE):
            return function["name"], function.get("parameters") or {}
    return None


def _arguments(schema: Mapping[str, Any], content: str) -> dict[str, Any]:
    """What the tool requires: the path where it wants a path, the content elsewhere."""
    properties: Mapping[str, Any] = schema.get("properties") or {}
    needed = schema.get("required") or list(properties)
    made: dict[str, Any] = {}
    for name in [*needed, *(n for n in ("content", "command", "cmd") if n in properties)]:
        if re.search(r"path|file", name, re.IGNORECASE):
            made[name] = FILE
        else:
            made[name] = _value(properties.get(name) or {}, name, content)
    return made


def _value(schema: Mapping[str, Any], name: str, content: str) -> Any:
    kind = schema.get("type", "string")
    if "enum" in schema:
        return "create" if "create" in schema["enum"] else schema["enum"][0]
    if kind == "boolean":
        return False
    if kind in ("integer", "number"):
        return 1
    if kind == "array":
        return ["bash", "-c", content] if name == "command" else [content]
    return content
