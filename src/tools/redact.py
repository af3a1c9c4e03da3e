"""Takes what looks like a secret out of texts that are kept. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

GONE = "[secret]"
_PATTERNS = (
    re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
               re.DOTALL),
    # GitHub, GitLab, OpenAI and Anthropic, Slack, AWS, Google, npm, PyPI, Hugging Face, Stripe; a
    # JSON Web Token
    re.compile(r"\b(gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{16,}"
               r"|xox[abeoprs]-[\w-]{10,}|(AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|npm_\w{30,}"
               r"|pypi-[\w-]{30,}|hf_\w{20,}|[rs]k_(live|test)_\w{10,}"
               r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)"),
)  # fmt: skip
_NAMED = re.compile(
    r"""(?ix) ( \b [\w-]* (?: passw(?:or)?d | passphrase | secret | token | api[_-]?key
        | access[_-]?key | private[_-]?key | credentials? ) [\w-]* ["']? \s* (?: [:=] | => ) \s* )
        ( "[^"\n]+" | '[^'\n]+' | [^\s"',;}]+ )"""
)
_BEARER = re.compile(r"(?i)\b(authorization\s*:\s*\w+\s+|bearer\s+)([\w.~+/=-]{8,})")
_URL = re.compile(r"(\w+://[^\s:/@]+:)([^\s@/]+)(@)")

_WORDS = re.compile(r"[\s=:,;]+")
_MARKS = " \t\"'"
_SHORTEST = 6  # shorter parts are words of every day


def redacted(value: Any) -> Any:
    """`value` (as of JSON) with `GONE` in the place of keys, tokens and passwords.

    It goes by their looks: a secret that looks like a word stays.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {name: redacted(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(item) for item in value]
    return value


class Veil:
    """Hands on what is noted, with `GONE` in the place of all that was `hide`d before."""

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note
        self._hidden: set[str] = set()

    def hide(self, text: str) -> None:
        """From now on neither the lines of `text` nor its words are noted, but for short ones."""
        parts = {part.strip(_MARKS) for part in (text, *text.splitlines(), *_WORDS.split(text))}
        self._hidden |= {part for part in parts if len(part) >= _SHORTEST}

    def __call__(self, kind: str, **facts: Any) -> None:
        """See actions.Note."""
        self._note(kind, **{name: self._veiled(value) for name, value in facts.items()})

    def _veiled(self, value: Any) -> Any:
        if isinstance(value, str):
            for part in sorted(self._hidden, key=len, reverse=True):
                # As it is, and as it stands inside of JSON.
                for form in {
                    part,
                    json.dumps(part)[1:-1],
                    json.dumps(part, ensure_ascii=False)[1:-1],
                }:
                    value = value.replace(form, GONE)
            return value
        if isinstance(value, Mapping):
            return {name: self._veiled(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._veiled(item) for item in value]
        return value


def _text(text: str) -> str:
    for pattern in _PATTERNS:
        text = pattern.sub(GONE, text)
    text = _BEARER.sub(rf"\1{GONE}", text)
    text = _URL.sub(rf"\1{GONE}\3", text)
    return _NAMED.sub(rf"\1{GONE}", text)
