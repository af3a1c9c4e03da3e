"""What a ballot says, as a key that equal answers share: one file a kind.

Keys are total functions: they never raise, and None abstains. VERSION changes with any change
of a key, because machines compare keys with one another.
"""

from __future__ import annotations

from enum import StrEnum

from ...ballot import Answer, Ballot, Finish
from ...chat import ChatRequest
from . import choice, number, text, tool_call
from .span import final_span, strip_thoughts

VERSION = 1


class Kind(StrEnum):
    """What a request asks for. It comes from the request, never from an answer."""

    NUMBER = "number"
    CHOICE = "choice"
    TEXT = "text"


def kind_of(request: ChatRequest) -> Kind:
    """The kind of answer that `request` asks for; tool calls may come with any of them."""
    question = request.question
    if choice.options(question):
        return Kind.CHOICE
    if number.is_asked(question):
        return Kind.NUMBER
    return Kind.TEXT


def key_of(kind: Kind, request: ChatRequest, ballot: Ballot) -> str | None:
    """The canonical key of a ballot, `kind:value`; None when the ballot is not valid.

    Empty, failed and truncated answers are not valid, unless a final answer stands in them.
    """
    answer = ballot.answer
    if ballot.finish is Finish.ERROR:
        return None
    if answer.tool_calls:
        cut = ballot.finish is Finish.LENGTH
        return None if cut else tool_call.key(answer.tool_calls, request.tools)
    return _words(kind, request, answer, cut=ballot.finish is Finish.LENGTH)


def _words(kind: Kind, request: ChatRequest, answer: Answer, *, cut: bool) -> str | None:
    words = strip_thoughts(answer.text)
    if not words.strip():
        return None
    span = final_span(words)
    if span is None and cut:
        return None
    if kind is Kind.CHOICE and (
        letter := choice.key(words, span, choice.options(request.question))
    ):
        return letter
    if span is not None:
        return number.key(span) or text.key(span)
    if kind is Kind.NUMBER and (last := number.last(words)):
        return last
    return text.key(words)
