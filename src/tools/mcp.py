"""Tools of other programs by the Model Context Protocol, with the same votes and consent."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SwarmError, ToolError, UsageError
from .base import AnyTool, Call, Kind, Risk
from .repair import BadArguments, read
from .result import result, unmarked
from .visible import visible
from .workspace import Workspace

if TYPE_CHECKING:
    from mcp import Client

_CALL_S = 120.0
_START_S = 30.0
_END_S = 10.0
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
# characters, and tools of one server: all are in every prompt
_DESCRIPTION, _SCHEMA, _TOOLS = 300, 8_000, 64


@dataclass(frozen=True, slots=True)
class Server:
    """One entry of the file: a program that speaks over its standard input, or an address.

    `allow` are its tools that the user takes for harmless: they are free, like reading.
    """

    name: str
    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] = ()


def servers_in(path: Path) -> list[Server]:
    """The servers in a file like `{"mcpServers": {"name": {"command": ..., "args": [...]}}}`, as
    other programs have it. Raises UsageError."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["mcpServers"]
        return [_server(name, entry) for name, entry in told.items()]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        hint = '{"mcpServers": {"NAME": {"command": "PROGRAM", "args": []}}} is the form of it.'
        raise UsageError(f"{path} is no list of MCP servers ({error}).", hint=hint) from None


def _server(name: str, entry: Mapping[str, Any]) -> Server:
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name {name!r} has other signs than letters, digits, - and _")
    made = Server(
        name,
        _text(entry, "command"),
        _texts(entry, "args"),
        {str(k): str(v) for k, v in (entry.get("env") or {}).items()},
        _text(entry, "url"),
        {str(k): str(v) for k, v in (entry.get("headers") or {}).items()},
        _texts(entry, "allow"),
    )
    if (made.command is None) == (made.url is None):
        raise ValueError(f"{name} needs either a command or a url")
    if made.url is not None and not made.url.startswith(("http://", "https://")):
        raise ValueError(f"the url of {name} is no http address")
    return made


def _text(entry: Mapping[str, Any], key: str) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} must be a text")
    return value


def _texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{key} must be a list of texts")
    return tuple(value)


@asynccontextmanager
async def connected(servers: list[Server]) -> AsyncIterator[dict[str, AnyTool]]:
    """The tools of all `servers`, which run until the block ends.

    Raises UsageError where the extra is missing, SwarmError where a server does not answer.
    """
    try:
        import mcp
    except ImportError:
        raise UsageError(
            "MCP servers need the extra `mcp`.", hint="pip install 'local-swarm[mcp]'"
        ) from None
    stop = asyncio.Event()
    tools: dict[str, AnyTool] = {}
    tasks: list[asyncio.Task[None]] = []
    try:
        for server in servers:
            ready: asyncio.Future[list[AnyTool]] = asyncio.get_running_loop().create_future()
            # In a task of its own: the package's task groups would wrap whatever is raised here.
            tasks.append(asyncio.create_task(_run(server, mcp.Client, ready, stop)))
            try:
                found = await asyncio.wait_for(ready, _START_S)
            except Exception as error:  # whatever another program does wrong
                tasks[-1].cancel()  # it may hang where `stop` is not looked at
                raise SwarmError(
                    f"The MCP server {server.name} cannot be used: {_why(error)}.",
                    hint="Try its command by hand, or take it out of the file.",
                ) from None
            for tool in found:
                if tool.name in tools:  # a.b and a_b; a server `x` with y__z, and `x__y` with z
                    raise SwarmError(
                        f"Two tools of MCP servers are called {tool.name}.",
                        hint=f"Give the server {server.name} another name in the file.",
                    )
                tools[tool.name] = tool
        yield tools
    finally:
        stop.set()
        _, slow = await asyncio.wait(tasks, timeout=_END_S) if tasks else ((), ())
        for task in slow:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(
    server: Server, client_of: Any, ready: asyncio.Future[list[AnyTool]], stop: asyncio.Event
) -> None:
    """Keeps one connection until `stop`; `ready` gets its tools, or why there are none."""
    try:
        async with AsyncExitStack() as stack:
            transport = await _transport(server, stack)
            client = await stack.enter_async_context(
                client_of(transport, read_timeout_seconds=_CALL_S)
            )
            ready.set_result(await _all_of(client, server))
            await stop.wait()
    except Exception as error:  # later on, its calls fail by themselves
        if not ready.done():
            ready.set_exception(error)


async def _transport(server: Server, stack: AsyncExitStack) -> Any:
    from mcp.client.stdio import StdioServerParameters, stdio_client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    if server.url is not None:
        http = create_mcp_http_client(headers=dict(server.headers))
        return streamable_http_client(server.url, http_client=await stack.enter_async_context(http))
    # What it complains of belongs to it: this terminal shows what is asked.
    quiet = stack.enter_context(os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    parameters = StdioServerParameters(
        command=server.command or "", args=list(server.args), env=dict(server.env)
    )
    return stdio_client(parameters, errlog=quiet)


async def _all_of(client: Client, server: Server) -> list[AnyTool]:
    found: list[AnyTool] = []
    cursor: str | None = None
    for _ in range(20):  # pages
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            made = re.sub(r"[^A-Za-z0-9_-]", "_", f"{server.name}__{tool.name}")[:64]
            told = " ".join((tool.description or tool.name).split())[:_DESCRIPTION]
            schema = json.dumps(tool.input_schema, ensure_ascii=False)
            if len(schema) > _SCHEMA or len(found) >= _TOOLS:
                raise SwarmError(
                    f"its tools are too many or too large: {_TOOLS} are taken, with schemas of at "
                    f"most {_SCHEMA} characters"
                )
            # What it says goes into the prompt, where a mark between turns would be obeyed.
            found.append(
                McpTool(
                    made,
                    unmarked(visible(told)),
                    json.loads(unmarked(schema)),
                    client,
                    tool.name,
                    tool.name in server.allow,
                )
            )
        cursor = page.next_cursor
        if not cursor:
            break
    return found


@dataclass(frozen=True, slots=True)
class McpCall(Call):
    """Arguments by a schema that only the server knows; `text` is canonical JSON."""

    text: str

    def values(self) -> dict[str, Any]:
        """See Call."""
        made: dict[str, Any] = json.loads(self.text)
        return made


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool of a server. See base.Tool. What the server says of its harmlessness is not
    believed; `free` is what the user says."""

    name: str
    description: str
    schema: Mapping[str, Any]
    client: Any
    its_name: str
    free: bool

    @property
    def changes(self) -> bool:
        """See Tool."""
        return not self.free

    def parse(self, arguments_json: str) -> McpCall:
        """See Tool."""
        try:
            arguments = read(arguments_json, self.schema)
        except BadArguments as error:
            raise ToolError(f"{self.name}: {error}.") from None
        return McpCall(json.dumps(arguments, ensure_ascii=False, sort_keys=True))

    def risk(self, call: McpCall, workspace: Workspace) -> Risk:
        """See Tool."""
        kind = Kind.READ if self.free else Kind.COMMAND
        return Risk(kind, "a tool of another program, outside the sandbox")

    def preview(self, call: McpCall, workspace: Workspace) -> str:
        """See Tool."""
        told = json.dumps(call.values(), ensure_ascii=False, indent=2)
        return visible(f"{self.name} {told}")

    async def run(self, call: McpCall, workspace: Workspace) -> str:
        """See Tool."""
        try:
            made = await self.client.call_tool(self.its_name, call.values())
        except Exception as error:  # whatever another program does wrong
            raise ToolError(f"{self.name} failed: {_why(error)}.") from None
        text = _said(made.content)
        if made.is_error:
            raise ToolError(f"{self.name}: {text or 'it failed'}")
        return text or "(no output)"


def _said(content: Any) -> str:
    parts = [
        part.text if getattr(part, "type", "") == "text" else f"[{part.type} left out]"
        for part in content
    ]
    return result("\n".join(parts))


def _why(error: BaseException) -> str:
    """What went wrong first, in a few words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return visible(" ".join(str(error).split()))[:200].rstrip(".") or type(error).__name__
