"""Requests that need a tool, their calls, the results and the closing answer."""

from __future__ import annotations

import json
from random import Random

from ..sample import Sample, Turn, path
from ..template import TOOLS
from .requests import MAKERS, Args, several

NO_TOOL = "I do not have a tool for that."


def call_text(name: str, arguments: Args) -> str:
    """A call as the model writes it."""
    body = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{body}\n</tool_call>"


def tool_task(r: Random) -> Sample:
    """A request with a list of tools; now and then the tool it needs is missing."""
    tools = list(TOOLS)
    if r.random() < 0.35:
        tools = r.sample(tools, r.randint(1, 5))
    if r.random() < 0.4:
        r.shuffle(tools)
    if r.random() < 0.1:
        request, steps, final = several(r)
    else:
        kind = r.choices(list(MAKERS), [3, 3, 1.6, 1.6, 1.4, 2.4])[0]
        request, step, final = MAKERS[kind](r, path(r))
        steps = [step]
    lead = r.choice(["", "", "", "", "Please ", "Can you ", "I want you to ", "Now "])
    request = lead + request
    request = request[0].upper() + request[1:] if r.random() < 0.85 else request
    asked = lead == "Can you " or request.lower().startswith(("what", "which"))
    request += r.choice(["?", "?", ""]) if asked else r.choice(["", ".", "."])
    if r.random() < 0.04:  # no list at all
        tools = []
    missing = {name for name, _, _ in steps} - set(tools)
    if tools and missing and (len(steps) > 1 or r.random() < 0.6):
        tools = sorted(set(tools) | missing, key=list(TOOLS).index)
    elif missing:
        turns: tuple[Turn, ...] = (("user", request), ("assistant", NO_TOOL))
        return Sample("no tool", turns, request, NO_TOOL, tuple(tools))
    turns_list: list[Turn] = [("user", request)]
    for name, arguments, result in steps:
        turns_list += [("assistant", call_text(name, arguments)), ("tool", result)]
    turns_list.append(("assistant", final))
    tags: dict[str, object] = {"tool": steps[0][0], "calls": len(steps)}
    return Sample("tools", tuple(turns_list), request, None, tuple(tools), tags)
