"""The families of conversations and how often each is drawn."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ..sample import Sample
from .code import json_task, python_task
from .facts import choice, fact
from .lists import list_task
from .small_talk import other, small_talk
from .sums import bare_sum
from .tool_calls import tool_task
from .word_problems import word_problem

Maker = Callable[[Random], Sample]

MIX: dict[Maker, float] = {
    word_problem: 0.18,
    bare_sum: 0.13,
    small_talk: 0.09,
    other: 0.03,
    tool_task: 0.15,
    list_task: 0.13,
    fact: 0.10,
    choice: 0.09,
    json_task: 0.05,
    python_task: 0.05,
}
"""Weights by conversation, not by token."""
