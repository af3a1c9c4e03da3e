"""Server-sent events: what a stream of lines means, whatever else stands in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from local_swarm.wire.sse import Comment, lines, parse


def read(*said: str) -> list[str | Comment]:
    async def feed() -> AsyncIterator[str]:
        for line in said:
            yield line

    async def collect() -> list[str | Comment]:
        return [event async for event in parse(feed())]

    return asyncio.run(collect())


def test_each_event_is_its_data() -> None:
    assert read('data: {"a":1}', "", "data:no space", "", "data:  two", "") == [
        '{"a":1}',
        "no space",
        " two",
    ]


def test_lines_of_one_event_belong_together() -> None:
    assert read("data: one", "data:", "data: two", "", "data: three", "") == ["one\n\ntwo", "three"]


def test_comments_come_at_once_even_inside_an_event() -> None:
    assert read(": waiting", "", ":", "data: a", ":x", "data: b", "") == [
        Comment("waiting"),
        Comment(""),
        Comment("x"),
        "a\nb",
    ]


def test_done_ends_the_stream() -> None:
    assert read("data: a", "", "data: [DONE]", "", "data: late", "", ": late") == ["a"]
    assert read("data: [DONE]") == []
    assert read("data: a", "", "data: [DONE]") == ["a"]


def test_an_event_that_only_mentions_done_is_an_event() -> None:
    assert read('data: {"text":"[DONE]"}', "") == ['{"text":"[DONE]"}']


def test_other_fields_and_empty_lines_say_nothing() -> None:
    assert read("", "event: x", "id: 4", "retry: 9", "", "", "datum: no", "") == []
    assert read("event: x", "data: a", "id: 4", "") == ["a"]


def test_a_stream_that_breaks_off_still_gives_its_last_event() -> None:
    assert read("data: a", "", "data: b") == ["a", "b"]
    assert read() == []


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers())))
def test_what_was_sent_is_what_is_read(chunks: list[dict[str, str | int]]) -> None:
    lines: list[str] = []
    for chunk in chunks:
        lines += [": waiting", f"data: {json.dumps(chunk)}", ""]
    events = [event for event in read(*lines, "data: [DONE]", "") if isinstance(event, str)]
    assert [json.loads(event) for event in events] == chunks


def test_only_line_feeds_end_a_line_wherever_the_bytes_are_cut() -> None:
    """Other splitters cut at U+2028, which an answer may contain."""
    wire = 'data: "a\u2028b\u0085c\u00e9"\r\n\r\ndata: 2\n\n'.encode()

    async def collect(size: int) -> list[str | Comment]:
        async def chunks() -> AsyncIterator[bytes]:
            for at in range(0, len(wire), size):
                yield wire[at : at + size]

        return [event async for event in parse(lines(chunks()))]

    for size in (1, 2, 3, 7, len(wire)):
        assert asyncio.run(collect(size)) == ['"a\u2028b\u0085c\u00e9"', "2"]
