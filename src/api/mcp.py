"""The node as an MCP server at `/mcp`: one tool that asks the swarm, and what the node knows.

Each request stands for itself: no session is kept. Host, Origin and key are the guard's affair.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .. import __version__
from ..chat import ChatRequest, Done, SwarmOptions
from ..errors import InvalidRequest, SwarmError
from ..wire.verdict import render
from .errors import Fault, answer
from .front import Front
from .schema import MAX_SEATS

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

_ASK: dict[str, Any] = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "description": "The whole question."},
        "system": {"type": "string", "description": "How to answer."},
        "seats": {"type": "integer", "minimum": 1, "maximum": MAX_SEATS},
        "strategy": {"type": "string", "description": "auto, majority, similarity or quality"},
    },
    "required": ["question"],
}
_TELLS = (
    "Several workers of local models answer the same question by themselves and vote. Returns the "
    "winning answer and how sure the swarm is."
)
_RESOURCES = {
    "llm://models": "the model ids that can be asked, with their contexts",
    "llm://nodes": "the machines that answer, their engines and seats",
    "llm://performance": "speed, load and memory of the engines",
}


def route(front: Front) -> Route:
    """The route, every method of it."""
    return Route("/mcp", _Endpoint(front), include_in_schema=False)


class _Endpoint:
    """The package is imported with the first request: it is an extra, and slow to load."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._server: Server[Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":  # there is no session to listen to, or to end
            fault = Fault(405, "Only POST is served here.", "method_not_allowed")
            await answer(fault, "/mcp", {"Allow": "POST"})(scope, receive, send)
            return
        try:
            if self._server is None:
                self._server = await asyncio.to_thread(_build, self._front)
        except ImportError:
            text = "MCP needs the extra: pip install 'local-swarm[mcp]'"
            await answer(Fault(501, text, "mcp_missing"), "/mcp")(scope, receive, send)
            return
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        manager = StreamableHTTPSessionManager(self._server, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, receive, send)


def _build(front: Front) -> Server[Any]:
    import mcp.types as types
    from mcp.server.lowlevel import Server

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        hints = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
        tool = types.Tool(
            name="ask_swarm", description=_TELLS, input_schema=_ASK, annotations=hints
        )
        return types.ListToolsResult(tools=[tool])

    async def call_tool(_: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            if asked.name != "ask_swarm":
                raise InvalidRequest(f"There is no tool {asked.name!r}.", hint="Use ask_swarm.")
            done = await _ask(front, asked.arguments or {})
        except SwarmError as error:
            told = types.TextContent(type="text", text=error.full)
            return types.CallToolResult(content=[told], is_error=True)
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=done.answer.text)],
            structured_content={
                "answer": done.answer.text,
                "finish_reason": done.finish.value,
                "swarm": render(done.verdict, details=False),
            },
        )

    async def list_resources(_: Any, __: Any) -> types.ListResourcesResult:
        made = [
            types.Resource(uri=uri, name=uri[6:], description=told, mime_type="application/json")
            for uri, told in _RESOURCES.items()
        ]
        return types.ListResourcesResult(resources=made)

    async def read_resource(
        _: Any, asked: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        text = json.dumps(_resource(front, asked.uri), ensure_ascii=False)
        told = types.TextResourceContents(uri=asked.uri, mime_type="application/json", text=text)
        return types.ReadResourceResult(contents=[told])

    return Server(
        "local-swarm",
        version=__version__,
        instructions=_TELLS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
    )


async def _ask(front: Front, given: Mapping[str, Any]) -> Done:
    """Raises InvalidRequest for arguments that do not fit, and what the swarm raises."""
    question, system = given.get("question"), given.get("system") or ""
    seats, strategy = given.get("seats"), given.get("strategy")
    if not isinstance(question, str) or not question.strip():
        raise InvalidRequest("question must be a text.", param="question")
    if not isinstance(system, str) or not isinstance(strategy, str | None):
        raise InvalidRequest("system and strategy must be texts.")
    whole = isinstance(seats, int) and not isinstance(seats, bool) and 1 <= seats <= MAX_SEATS
    if seats is not None and not whole:
        raise InvalidRequest(f"seats must be from 1 to {MAX_SEATS}.", param="seats")
    head = ({"role": "system", "content": system},) if system else ()
    request = ChatRequest(
        id=f"mcp-{uuid.uuid4().hex}",
        messages=(*head, {"role": "user", "content": question}),
        swarm=SwarmOptions(seats=seats, strategy=strategy),
    )
    events: Any = front.events(request)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Done):
                return event
    raise SwarmError("The swarm broke off in the middle of its answer.", hint="Ask again.")


def _resource(front: Front, uri: str) -> Any:
    status = front.source.status()
    if uri == "llm://models":
        return [asdict(card) for card in front.source.cards()]
    if uri == "llm://nodes":
        told = asdict(status)
        return [{name: told[name] for name in told if name not in ("plan", "requests_total")}]
    if uri == "llm://performance":
        engines = [asdict(engine) for engine in status.engines]
        return {
            "requests_total": status.requests_total,
            "uptime_s": status.uptime_s,
            "engines": engines,
        }
    from mcp.shared.exceptions import MCPError

    raise MCPError(-32002, f"There is no resource {uri}.")
