"""A call that must be made (`tool_choice` "required"): written as JSON under a grammar.

llama.cpp's own "required" lets the model write words before the call, without end where it does
not want to call (a refusal, then noise up to max_tokens; with some templates nothing is enforced
at all). So the engine is asked for one JSON object, `{"name": ..., "arguments": {...}}`, or a list
of them, which the grammar lets nobody avoid; the tools stay in the prompt.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..ballot import Finish
from ..chat import ChatRequest
from .base import Piece, ToolDelta


def is_forced(request: ChatRequest) -> bool:
    """Whether an answer in words is no answer."""
    return bool(request.tools) and request.tool_choice == "required"


def response_format(request: ChatRequest) -> dict[str, Any]:
    """The `response_format` under which only calls of the offered tools can be written."""
    parameters: dict[str, Any] = {}
    one: list[dict[str, Any]] = []
    for at, tool in enumerate(request.tools):
        function = tool.get("function") or tool
        schema = function.get("parameters")
        place = f"tool{at}"
        parameters[place] = _moved(schema or {"type": "object"}, f"#/$defs/{place}")
        one.append(
            {
                "type": "object",
                "properties": {
                    "name": {"const": function["name"]},
                    "arguments": {"$ref": f"#/$defs/{place}"},
                },
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
        )
    whole: dict[str, Any] = {"anyOf": one, "$defs": parameters}
    if request.sampling.get("parallel_tool_calls") is not False:
        whole["anyOf"] = [*one, {"type": "array", "items": {"anyOf": one}, "minItems": 1}]
    return {"type": "json_schema", "json_schema": {"name": "call", "schema": whole}}


def _moved(schema: Any, place: str) -> Any:
    """`schema` with the references to its own parts led to `place`, where it is put."""
    if isinstance(schema, Mapping):
        return {
            name: place + value[1:]
            if name == "$ref" and isinstance(value, str) and value.startswith("#")
            else _moved(value, place)
            for name, value in schema.items()
        }
    return [_moved(part, place) for part in schema] if isinstance(schema, list) else schema


async def as_calls(stream: AsyncIterator[Piece]) -> AsyncGenerator[Piece]:
    """`stream` with each seat's JSON as tool calls in its last piece. JSON that was cut off stays
    text: whoever reads it sees why there is no call."""
    said: defaultdict[int, str] = defaultdict(str)
    async for piece in stream:
        said[piece.seat] += piece.text
        piece = replace(piece, text="", chances=())
        if piece.finish:
            calls = read(said[piece.seat])
            if calls:
                finish = Finish.TOOL_CALLS if piece.finish is Finish.STOP else piece.finish
                piece = replace(piece, tool_calls=calls, finish=finish)
            else:
                piece = replace(piece, text=said[piece.seat])
        yield piece


def read(text: str) -> tuple[ToolDelta, ...]:
    """The calls that `text` holds; none where it is no whole JSON."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    calls: Sequence[Any] = found if isinstance(found, list) else [found]
    if not all(isinstance(call, dict) and {"name", "arguments"} <= call.keys() for call in calls):
        return ()
    return tuple(
        ToolDelta(
            index=at,
            id=f"call_{uuid.uuid4().hex}",
            name=str(call["name"]),
            arguments=json.dumps(call["arguments"], ensure_ascii=False),
        )
        for at, call in enumerate(calls)
    )
