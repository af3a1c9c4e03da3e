"""Text of a model made safe to show: what a terminal would obey, or hide, is spelled out."""

from __future__ import annotations

import unicodedata

# control, invisible and bidirectional marks, half pairs, private, not assigned; line breaks
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    r"""`text` with every character that is not seen as itself as an escape: `\r`, `\x1b`, `\u202e`.

    Line feeds and tabs stay; a carriage return before a line feed goes.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_seen, text.replace("\r\n", "\n")))


def _seen(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")
