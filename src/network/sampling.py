"""Which sampling parameters a peer may set on our engine, and what they may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NUMBERS = frozenset({
    "temperature", "top_p", "top_k", "min_p", "typical_p", "presence_penalty", "frequency_penalty",
    "repeat_penalty", "repeat_last_n", "top_n_sigma", "xtc_probability", "xtc_threshold",
    "dry_multiplier", "dry_base", "dry_allowed_length", "dry_penalty_last_n", "mirostat",
    "mirostat_tau", "mirostat_eta",
})  # fmt: skip
_SWITCHES = frozenset({"ignore_eos", "parallel_tool_calls"})
_LARGEST = 1e9
_TEXT = 1 << 16


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that we know, as they were given. Raises ValueError for a value that is none.

    What is not known is left out: the answers are then drawn a little differently, and that is
    all.
    """
    kept = {}
    for name, value in given.items():
        check = _CHECKS.get(name)
        if check is None:
            continue
        if not check(value):
            raise ValueError(f"{name} cannot be that")
        kept[name] = value
    return kept


def _number(value: Any) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _TEXT


def _texts(value: Any) -> bool:
    return _text(value) or (
        isinstance(value, list) and len(value) <= 32 and all(_text(one) for one in value)
    )


def _biases(value: Any) -> bool:
    if isinstance(value, dict):
        return len(value) <= 1024 and all(_number(one) for one in value.values())
    return (
        isinstance(value, list)
        and len(value) <= 1024
        and all(isinstance(one, list) and len(one) == 2 for one in value)
    )


def _object(value: Any) -> bool:
    return isinstance(value, dict)


_CHECKS = {
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_SWITCHES, _switch),
    "seed": _whole,
    "stop": _texts,
    "samplers": _texts,
    "logit_bias": _biases,
    "grammar": _text,
    "json_schema": _object,
    "chat_template_kwargs": _object,
}
