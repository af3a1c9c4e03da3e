"""The chat template: ChatML with a compact list of tools. `render` and `TEMPLATE` agree."""

from __future__ import annotations

from collections.abc import Sequence

from .sample import Turn

TOOLS: dict[str, tuple[str, ...]] = {
    "read_file": ("path", "start_line", "max_lines"),
    "write_file": ("path", "content"),
    "edit_file": ("path", "old", "new"),
    "list_files": ("path", "glob"),
    "search_files": ("pattern", "path"),
    "execute_bash": ("command", "timeout_s"),
}
"""The agent's tools with their arguments (docs: the agent)."""

TEMPLATE = (
    "{%- set ns = namespace(sys='') -%}"
    "{%- if messages[0].role == 'system' -%}{%- set ns.sys = messages[0].content -%}{%- endif -%}"
    "{%- if tools -%}"
    "{%- if ns.sys -%}{%- set ns.sys = ns.sys + '\\n' -%}{%- endif -%}"
    "{%- set ns.sys = ns.sys + 'Tools:' -%}"
    "{%- for t in tools -%}"
    "{%- set f = t.function if t.function is defined else t -%}"
    "{%- set ns.sys = ns.sys + '\\n- ' + f.name + '('"
    " + (f.parameters.properties.keys() | list | join(', ')) + ')' -%}"
    "{%- endfor -%}{%- endif -%}"
    "{%- if ns.sys -%}{{- '<|im_start|>system\\n' + ns.sys + '<|im_end|>\\n' -}}{%- endif -%}"
    "{%- for m in messages -%}{%- if not (loop.first and m.role == 'system') -%}"
    "{{- '<|im_start|>' + m.role + '\\n' -}}{%- if m.content -%}{{- m.content -}}{%- endif -%}"
    "{%- if m.tool_calls -%}{%- for c in m.tool_calls -%}"
    "{%- set a = c.function.arguments -%}"
    '{{- \'<tool_call>\\n{"name": "\' + c.function.name + \'", "arguments": \''
    " + (a if a is string else a | tojson) + '}\\n</tool_call>' -}}"
    "{%- endfor -%}{%- endif -%}"
    "{{- '<|im_end|>\\n' -}}{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)


def render(
    turns: Sequence[Turn], tools: Sequence[str] = (), open_turn: bool = False
) -> list[tuple[str, bool]]:
    """The conversation as pieces of text, each with whether the model learns to write it."""
    system, rest = "", list(turns)
    if rest and rest[0][0] == "system":
        system, rest = rest[0][1], rest[1:]
    if tools:
        listed = "\n".join(f"- {name}({', '.join(TOOLS[name])})" for name in tools)
        system = (f"{system}\n" if system else "") + f"Tools:\n{listed}"
    pieces = [(f"<|im_start|>system\n{system}<|im_end|>\n", False)] if system else []
    for role, text in rest:
        if role == "assistant":
            pieces.append(("<|im_start|>assistant\n", False))
            pieces.append((f"{text}<|im_end|>", True))
            pieces.append(("\n", False))
        else:
            pieces.append((f"<|im_start|>{role}\n{text}<|im_end|>\n", False))
    if open_turn:
        pieces.append(("<|im_start|>assistant\n", False))
    return pieces


def text_of(turns: Sequence[Turn], tools: Sequence[str] = (), open_turn: bool = False) -> str:
    """The conversation as one text."""
    return "".join(piece for piece, _ in render(turns, tools, open_turn))
