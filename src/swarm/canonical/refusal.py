"""Answers that decline to answer."""

from __future__ import annotations

import re

_DECLINES = re.compile(
    r"\W*(?:(?:i'?m |i am )?(?:very |so )?sorry\b[,.:;!]* *(?:but )?)?"
    r"(?:no[.!]*$|(?:i |we )(?:can ?not|can't|am unable to|won't|will not|am not able to)\b)",
    re.IGNORECASE,
)


def is_refusal(words: str) -> bool:
    """Whether an answer begins by declining to answer."""
    said = words.strip().replace("\u2019", "'")[:300]
    return bool(_DECLINES.match(said)) and said.lower() not in ("no", "no.", "no!")
