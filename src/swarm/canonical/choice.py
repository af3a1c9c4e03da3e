"""Letters of a multiple choice, in the spellings that models use."""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import text
from .key import Key

_OPTION = re.compile(
    r"(?:^|[\n ;,])\(?([A-Ja-j])[).:][ \t]+([^\n;]*?)(?=[\n;]|[ ,]\(?[A-Ja-j][).:][ \t]|$)"
)
_LETTER = re.compile(
    r"\W*(?:(?:the\s+)?(?:correct\s+)?(?:answer|option|choice)(?:\s+is)?\W*)?"
    r"(?:option\s+|choice\s+)?\(?([A-Ja-j])(?:[).:,]|\W*$|\W+(?:because|since|is)\b)",
    re.IGNORECASE,
)


def options(question: str) -> dict[str, str]:
    """The options A, B, ... of a question and their texts; empty when it has none."""
    found: dict[str, str] = {}
    for match in _OPTION.finditer(question[-4000:]):
        letter = match[1].upper()
        if ord(letter) - ord("A") == len(found):
            found[letter] = match[2].strip()
    return found if len(found) >= 2 else {}


def key(words: str, span: str | None, known: Mapping[str, str]) -> Key | None:
    """The key of the chosen option, by its letter or by its text; None when neither is there."""
    for part in (span, words):
        if part is None:
            continue
        match = _LETTER.match(part.strip()[:200])
        if match and (not known or match[1].upper() in known):
            return Key(f"choice:{match[1].upper()}")
        said = text.plain(part)
        by_text = [letter for letter, option in known.items() if text.plain(option) == said]
        if len(by_text) == 1:
            return Key(f"choice:{by_text[0]}")
    return None
