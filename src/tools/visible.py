"""Text of a model made safe to show: what a terminal would obey, or hide, is spelled out."""

from __future__ import annotations

import re
import unicodedata

# control, invisible and bidirectional marks, half pairs, private, not assigned; line breaks; spaces
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
# Letters and marks that are drawn as nothing, or as a space: fillers, selectors of variants.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_PILED = re.compile(r"(?<=[\u0300-\u036f]{2})[\u0300-\u036f]")  # marks over other lines
_WORD = re.compile(r"[^\W_]+")
_ALIKE = (
    "CYRILLIC",
    "GREEK",
    "ARMENIAN",
    "CHEROKEE",
    "COPTIC",
    "LISU",
    "FULLWIDTH",
    "MATHEMATICAL",
)


def visible(text: str) -> str:
    r"""`text` with every character that is not seen as itself as an escape: `\r`, `\x1b`, `\u202e`.

    Line feeds and tabs stay; a carriage return before a line feed goes.
    """
    if text.isascii() and text.isprintable():
        return text
    text = "".join(map(_seen, text.replace("\r\n", "\n")))
    return text if text.isascii() else _PILED.sub(_spelled, _BLANK.sub(_spelled, text))


def unmistakable(text: str) -> str:
    """As `visible`, for commands and names of files: of a word that mixes ASCII letters with those
    of other scripts that look the same, the others are escapes too."""
    text = visible(text)
    return text if text.isascii() else _WORD.sub(_unmixed, text)


def on_one_line(text: str) -> str:
    """As `unmistakable`, for what has a line of its own: a name cannot make up the next line."""
    return unmistakable(text).replace("\n", "\\n").replace("\t", "\\t")


def _unmixed(found: re.Match[str]) -> str:
    word = found[0]
    if word.isascii() or not any("a" <= letter.lower() <= "z" for letter in word):
        return word
    return "".join(
        _escape(letter) if unicodedata.name(letter, "").startswith(_ALIKE) else letter
        for letter in word
    )


def _seen(character: str) -> str:
    if character in " \n\t" or unicodedata.category(character) not in _HIDDEN:
        return character
    return _escape(character)


def _spelled(found: re.Match[str]) -> str:
    return _escape(found[0])


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
