"""What a tool is: typed arguments in, text out.

A model's call is parsed (`Tool.parse`), weighed (`Tool.risk`), shown to a person (`Tool.preview`)
and run (`Tool.run`), in this order. Each step may raise ToolError, whose `result` goes back to the
model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from .arguments import parsed, schema_of
from .workspace import Workspace


class Kind(StrEnum):
    """What a call can do, the harmless first."""

    READ = "read"  # looks at the workspace
    SECRET = "secret"  # looks at what may be a key or a password
    EDIT = "edit"  # changes a file of the workspace
    COMMAND = "command"  # runs something, now or later


@dataclass(frozen=True, slots=True)
class Risk:
    """`kind` decides who must agree; `why` is one line for a person. With `exposes` what comes back
    may hold a secret, whatever the kind."""

    kind: Kind
    why: str
    exposes: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of one call. Equal calls are equal objects, and hashable."""

    def values(self) -> dict[str, Any]:
        """The arguments as JSON values, without those that repeat a default."""
        told = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if each.default is MISSING or value != each.default:
                told[each.name] = value
        return told


C = TypeVar("C", bound=Call)


class Tool(Protocol[C]):
    """One thing that a model may do. `changes`: it has side effects."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON schema of the arguments, an object."""
        ...

    @property
    def changes(self) -> bool: ...

    def parse(self, arguments_json: str) -> C:
        """The call that a model wrote. Raises ToolError that says what is wrong with it."""
        ...

    def risk(self, call: C, workspace: Workspace) -> Risk:
        """What this call can do, by the files that it really reaches. Raises ToolError."""
        ...

    def preview(self, call: C, workspace: Workspace) -> str:
        """What will be done, whole: a diff, or the command. Control characters are made visible.

        Raises ToolError where the call cannot succeed: there is nothing to ask a person then.
        """
        ...

    async def run(self, call: C, workspace: Workspace) -> str:
        """Does it, and returns the result for the model. Raises ToolError.

        Whoever calls this has asked whom `risk` says must be asked.
        """
        ...


AnyTool = Tool[Any]


class TypedTool(Generic[C]):
    """The half of a tool that follows from the dataclass of its arguments."""

    name: str
    description: str
    changes: bool
    arguments: type[C]

    @property
    def schema(self) -> Mapping[str, Any]:
        return schema_of(self.arguments)

    def parse(self, arguments_json: str) -> C:
        return parsed(self.name, self.arguments, arguments_json)


def wire(tool: AnyTool) -> dict[str, Any]:
    """The tool as OpenAI's clients tell a model of it."""
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.schema),
        },
    }
