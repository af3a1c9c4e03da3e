"""A small MCP server: a program over its standard input, or an application over HTTP."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

TOOLS = {
    "add": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
    "note": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "fail": {"type": "object", "properties": {}},
    "crash": {"type": "object", "properties": {}},
    "environment": {"type": "object", "properties": {}},
    "flood": {"type": "object", "properties": {}},
}


async def listed(_: Any, __: Any) -> types.ListToolsResult:
    hint = types.ToolAnnotations(read_only_hint=True)  # which nobody has to believe
    return types.ListToolsResult(
        tools=[
            types.Tool(name=name, description=f"It does {name}.", input_schema=s, annotations=hint)
            for name, s in TOOLS.items()
        ]
    )


async def called(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
    given = params.arguments or {}
    if params.name == "crash":
        os._exit(1)
    says: dict[str, Callable[[], str]] = {
        "add": lambda: str(given["a"] + given["b"]),
        "note": lambda: f"noted {given['text']}",
        "fail": lambda: "it is Sunday",
        "environment": lambda: " ".join(sorted(os.environ)),
        "flood": lambda: "x" * 100_000,
    }
    said = says[params.name]()
    content: list[Any] = [types.TextContent(type="text", text=said)]
    return types.CallToolResult(content=content, is_error=params.name == "fail")


server: Server[Any] = Server("tests", on_list_tools=listed, on_call_tool=called)


async def main() -> None:
    print("words of its own", file=sys.stderr)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    asyncio.run(main())
