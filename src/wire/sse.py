"""Server-sent events, as OpenAI's API uses them: comments and `data:` lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

DONE = "[DONE]"
_LONGEST = 64 << 20  # bytes of a line: more is no answer but a peer gone mad


class LineTooLong(Exception):
    """A line that does not end."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A line that starts with a colon; parsers of the API ignore it."""

    text: str


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Text lines of a byte stream, split at line feeds only: an answer may contain characters
    that other splitters take for line ends (U+2028). Raises LineTooLong."""
    rest = b""
    async for chunk in chunks:
        if len(rest) > _LONGEST:
            raise LineTooLong(f"a line of more than {_LONGEST} bytes")
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.rstrip(b"\r").decode("utf-8", "replace")
    if rest:
        yield rest.rstrip(b"\r").decode("utf-8", "replace")


async def parse(lines: AsyncIterator[str]) -> AsyncIterator[str | Comment]:
    """The data of each event, comments as they come; ends at `[DONE]` or with the stream."""
    data: list[str] = []
    size = 0
    async for line in lines:
        if line.startswith(":"):
            yield Comment(line[1:].strip())
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
            size += len(line)
            if size > _LONGEST:
                raise LineTooLong(f"an event of more than {_LONGEST} bytes")
        elif not line and data:
            event = "\n".join(data)
            data, size = [], 0
            if event == DONE:
                return
            yield event
    if data and "\n".join(data) != DONE:
        yield "\n".join(data)
