"""Free text: equal but for case, spaces and the punctuation around it."""

from __future__ import annotations

import hashlib
import unicodedata

from .key import Key

_SHORT = 60


def plain(words: str) -> str:
    """`words` in NFKC, lower case, single spaces, without punctuation around it."""
    folded = " ".join(unicodedata.normalize("NFKC", words).casefold().split())
    bare = folded.lstrip("\"'`*_ ").rstrip(" .,;:!?\"'`*_")
    return bare[1:-1] if bare.startswith("(") and bare.endswith(")") else bare


def key(words: str) -> Key | None:
    """The key of a text: itself when short, its hash when long; None when nothing is left."""
    said = plain(words) or " ".join(words.split())
    if not said:
        return None
    if len(said) <= _SHORT:
        return Key(f"text:{said}")
    return Key(f"text:{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:32]}")
