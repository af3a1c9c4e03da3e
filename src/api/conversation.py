"""Messages and tools of every wire, in the form that chat templates understand. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..chat import text_of
from ..errors import InvalidRequest

Json = dict[str, Any]
_TEXTS = ("input_text", "output_text", "refusal")


def ordered(messages: Sequence[Mapping[str, Any]]) -> tuple[Json, ...]:
    """`messages` with one system message at most, and that at the head.

    Chat templates of many models refuse anything else. Instructions at the head (`system`,
    `developer`) become one; later ones stay at their place, so that the prefix that the engine has
    cached stays valid, as part of the user's words beside them.
    """
    head: list[str] = []
    rest: list[Json] = []
    pending: list[str] = []
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            text = text_of(message.get("content"))
            if not rest:
                head.append(text)
            elif rest[-1]["role"] == "user":
                rest[-1] = _joined(rest[-1], text, after=True)
            else:
                pending.append(text)
            continue
        made = _plain(message)
        if pending and role == "user":
            made = _joined(made, "\n\n".join(pending), after=False)
        elif pending:
            rest.append({"role": "user", "content": "\n\n".join(pending)})
        pending = []
        rest.append(made)
    if pending:
        rest.append({"role": "user", "content": "\n\n".join(pending)})
    if not head:
        return tuple(rest)
    system = {"role": "system", "content": "\n\n".join(head)}
    return (system, *rest)


def chosen(
    tools: Sequence[Json], choice: str | Mapping[str, Any] | None
) -> tuple[tuple[Json, ...], str | None]:
    """The tools that may be called, and "auto", "required", "none" or None.

    A choice of one function (in the form of chat completions or of responses) becomes that tool
    alone, required; `allowed_tools` become those tools. Raises InvalidRequest.
    """
    if choice is None or isinstance(choice, str):
        if choice not in (None, "auto", "none", "required", "any"):
            raise InvalidRequest(
                f"tool_choice is '{choice}'.", param="tool_choice", hint="Use auto, none, required."
            )
        # Without tools (the types that we do not know were skipped) there is nothing to require.
        return tuple(tools), ("required" if choice == "any" else choice) if tools else None
    kind = choice.get("type")
    if kind == "allowed_tools":
        inner = choice.get("allowed_tools") or choice
        names = [_name(tool) for tool in inner.get("tools") or ()]
        known = tuple(tool for tool in tools if tool["function"]["name"] in names)
        mode = "required" if inner.get("mode") == "required" else "auto"
        return known, mode if known else None
    if kind != "function":  # a tool that we skip cannot be forced
        return tuple(tools), None
    name = _name(choice)
    known = tuple(tool for tool in tools if tool["function"]["name"] == name)
    if not known:
        raise InvalidRequest(f"tool_choice names '{name}', which is no tool.", param="tool_choice")
    return known, "required"


def _name(tool: Any) -> str:
    if not isinstance(tool, Mapping):
        return ""
    function = tool.get("function")
    return str((function if isinstance(function, Mapping) else tool).get("name") or "")


def _plain(message: Mapping[str, Any]) -> Json:
    """Parts of text under the one name that engines know."""
    content = message.get("content")
    if not isinstance(content, list):
        return dict(message)
    parts = [
        {"type": "text", "text": part.get("text") or part.get("refusal") or ""}
        if part.get("type") in _TEXTS
        else part
        for part in content
    ]
    for part in parts:
        if part.get("type") == "image_url":
            _inside(part.get("image_url"))
    return {**message, "content": parts}


def _inside(image: Any) -> None:
    """Raises InvalidRequest for an image that is not in the request itself: the engine would fetch
    any address or file that somebody names."""
    url = image.get("url") if isinstance(image, Mapping) else image
    if not (isinstance(url, str) and url.startswith("data:image/")):
        raise InvalidRequest(
            "An image must be in the request itself.",
            param="messages",
            hint="Send it as data:image/png;base64,... in image_url.url.",
        )


def _joined(message: Json, text: str, *, after: bool) -> Json:
    content = message.get("content")
    if isinstance(content, list):
        part = {"type": "text", "text": f"\n\n{text}" if after else f"{text}\n\n"}
        return {**message, "content": [*content, part] if after else [part, *content]}
    old = content or ""
    return {**message, "content": f"{old}\n\n{text}" if after else f"{text}\n\n{old}"}
