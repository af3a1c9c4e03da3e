"""The agent's tools, in the order and with the names that DESIGN.md froze."""

from __future__ import annotations

from ..settings import shell_environment
from .base import AnyTool
from .files import EditFile, ReadFile, WriteFile
from .looking import ListFiles, SearchFiles
from .sandbox import Sandbox, Unfenced
from .shell import ExecuteBash


def toolset(
    sandbox: Sandbox | None,
    *,
    network: bool = False,
    unsafe: bool = False,
    secrets: bool = False,
) -> dict[str, AnyTool]:
    """All tools by name. Without a sandbox there is no `execute_bash`, unless `unsafe`.

    `network` lets sandboxed commands reach it, `secrets` the files of secrets in the workspace.
    """
    tools: list[AnyTool] = [ReadFile(), WriteFile(), EditFile(), ListFiles(), SearchFiles()]
    if sandbox is not None:
        tools.append(ExecuteBash(sandbox, network, secrets))
    elif unsafe:
        tools.append(ExecuteBash(Unfenced(shell_environment()), True))
    return {tool.name: tool for tool in tools}
