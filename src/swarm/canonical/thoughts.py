"""Takes the thoughts out of an answer."""

from __future__ import annotations

import re

_THOUGHTS = re.compile(
    r"<(?P<close>/)?(?P<tag>think|thinking|reasoning|thought|thoughts|reflection|scratchpad)>"
    r"|(?P<open>\[THINK\]|<\|begin_of_thought\|>|<\|channel\|>(?:analysis|commentary)"
    r"|\u25c1think\u25b7)"
    r"|(?P<shut>\[/THINK\]|<\|end_of_thought\|>|<\|end\|>|<\|channel\|>final(?:<\|message\|>)?"
    r"|\u25c1/think\u25b7)",
    re.IGNORECASE,
)
_TOKENS = re.compile(r"<\|[a-z_]{1,24}\|>(?:assistant(?=\s*(?:<\||\Z)))?|(?<=<\|start\|>)assistant")


def strip_thoughts(words: str) -> str:
    """`words` without blocks of thought, unclosed ones included.

    A block that only ends began in the prompt: all before it is thought.
    """
    if "<" not in words and "[" not in words and "\u25c1" not in words:
        return words
    kept: list[str] = []
    at, inside = 0, ""
    for mark in _THOUGHTS.finditer(words):
        name = (mark["tag"] or "|").lower()
        opens = bool(mark["open"] or (mark["tag"] and not mark["close"]))
        if inside:
            if not opens and name == inside:
                at, inside = mark.end(), ""
        elif opens:
            kept.append(words[at : mark.start()])
            inside = name
        else:
            kept.clear()
            at = mark.end()
    if not inside:
        kept.append(words[at:])
    return _TOKENS.sub("", "".join(kept)) if "<|" in words else "".join(kept)
