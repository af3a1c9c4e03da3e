"""Takes what looks like a secret out of texts that are kept. Pure."""

from __future__ import annotations

import re
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


def redacted(value: Any) -> Any:
    """`value` (as of JSON) with `GONE` in the place of keys, tokens and passwords.

    It goes by their looks: a secret that looks like a word stays.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {name: redacted(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(item) for item in value]
    return value


def _text(text: str) -> str:
    for pattern in _PATTERNS:
        text = pattern.sub(GONE, text)
    text = _BEARER.sub(rf"\1{GONE}", text)
    text = _URL.sub(rf"\1{GONE}\3", text)
    return _NAMED.sub(rf"\1{GONE}", text)
