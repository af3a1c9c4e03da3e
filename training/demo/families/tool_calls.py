"""Requests that need a tool, their calls, the results and the closing answer."""

from __future__ import annotations

import json
from random import Random

from ..sample import Sample, Turn, path
from ..template import TOOLS
from .requests import Args
from .tasks import MAKERS, several

NO_TOOL = "I do not have a tool for that."


def call_text(name: str, arguments: Args) -> str:
    """A call as the model writes it."""
    body = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{body}\n</tool_call>"


def tool_task(r: Random) -> Sample:
    """A request with a list of tools; now and then the tool it needs is missing."""
    return request_with(r, tools_of(r))


def tools_of(r: Random) -> tuple[str, ...]:
    """The tools that a conversation lists: mostly all."""
    tools = list(TOOLS)
    if r.random() < 0.04:
        return ()
    if r.random() < 0.45:
        tools = r.sample(tools, r.randint(1, 5))
    if r.random() < 0.4:
        r.shuffle(tools)
    return tuple(tools)


def request_with(r: Random, tools: tuple[str, ...]) -> Sample:
    """A request where these tools are listed."""
    while True:
        if r.random() < 0.1:
            request, steps, final = several(r)
        else:
            kind = r.choices(list(MAKERS), [3, 3, 1.6, 1.6, 1.4, 2.4])[0]
            request, step, final = MAKERS[kind](r, path(r))
            steps = [step]
        missing = {name for name, _, _ in steps} - set(tools)
        if not missing or (len(steps) == 1 and r.random() < 0.06):
            break
    request = spoken(r, request)
    if missing:
        turns: tuple[Turn, ...] = (("user", request), ("assistant", NO_TOOL))
        return Sample("no tool", turns, request, NO_TOOL, tools)
    turns_list: list[Turn] = [("user", request)]
    for name, arguments, result in steps:
        turns_list += [("assistant", call_text(name, arguments)), ("tool", result)]
    turns_list.append(("assistant", final))
    tags: dict[str, object] = {"tool": steps[0][0], "calls": len(steps)}
    return Sample("tools", tuple(turns_list), request, None, tools, tags)


def spoken(r: Random, request: str) -> str:
    """The request with a polite lead and a full stop, at times."""
    lead = r.choice(["", "", "", "", "Please ", "Can you ", "I want you to ", "Now "])
    request = lead + request
    request = request[0].upper() + request[1:] if r.random() < 0.85 else request
    asked = lead == "Can you " or request.lower().startswith(("what", "which"))
    return request + (r.choice(["?", "?", ""]) if asked else r.choice(["", ".", "."]))
