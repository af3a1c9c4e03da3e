"""The ways in which a paired machine gone bad answers: see `bad_peer`."""

from __future__ import annotations

import asyncio
import gzip
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from local_swarm.network import protocol
from local_swarm.network.protocol import Accepted, Cast, Commit, End, Heartbeat, Line, Question

from .lan_peers import Machine

WRONG = "14 + 7 = 99\nAnswer: 99"
_MIB = 1 << 20
OK = b"HTTP/1.1 200 OK\r\n"
_NDJSON = b"Content-Type: application/x-ndjson\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"


@dataclass
class Bad:
    """`sent` counts the bytes that were taken from it, `asked` the questions."""

    machine: Machine
    way: str
    port: int = 0
    sent: int = 0
    asked: list[Question] = field(default_factory=list)


class Wire:
    """One connection on which a question was asked."""

    def __init__(self, of: Bad, writer: asyncio.StreamWriter, asked: Question) -> None:
        self._of, self._writer, self.asked = of, writer, asked

    async def raw(self, data: bytes) -> None:
        """Bytes as they are. Raises OSError once home has hung up."""
        await asyncio.sleep(0)  # drain() gives nobody else a turn, nor tells that
        if self._writer.is_closing():
            raise ConnectionResetError
        self._writer.write(data)
        await self._writer.drain()
        self._of.sent += len(data)

    async def head(self, more: bytes = b"") -> None:
        """The head of a good answer."""
        await self.raw(OK + _NDJSON + _CHUNKED + more + b"\r\n")

    async def chunk(self, data: bytes) -> None:
        """A piece of a chunked body."""
        await self.raw(b"%x\r\n%b\r\n" % (len(data), data))

    async def say(self, *lines: Line) -> None:
        """Lines as the protocol has them."""
        await self.chunk(b"".join(protocol.write_line(line) for line in lines))

    async def end(self) -> None:
        """The end of a good answer."""
        await self.say(End(why="done"))
        await self.raw(b"0\r\n\r\n")

    async def accept(self) -> None:
        """The head, and that the question is taken."""
        await self.head()
        await self.say(Accepted(seats=self.asked.seats))

    def ballot(self, seat: int, text: str = WRONG, **more: object) -> tuple[Commit, Cast]:
        """A ballot as the protocol wants it."""
        model = self.asked.model or "m"
        fields = {"finish": "stop", "tokens": 16, "model": model, "confidence": 1.0, **more}
        cast = Cast(seat=seat, salt=secrets.token_hex(16), text=text, **fields)  # type: ignore[arg-type]
        return Commit(seat=seat, hash=cast.digest(self.asked.id)), cast


Way = Callable[[Wire], Awaitable[None]]


async def _endless_line(wire: Wire) -> None:
    await wire.accept()
    while True:
        await wire.chunk(b"x" * _MIB)


async def _endless_lines(wire: Wire) -> None:
    await wire.accept()
    while True:
        await wire.say(*[Heartbeat(tokens=[1] * 64)] * 500)


async def _a_million_ballots(wire: Wire) -> None:
    await wire.accept()
    for start in range(0, 1_000_000, 500):
        await wire.say(*(line for n in range(start, start + 500) for line in wire.ballot(n % 64)))


async def _one_ballot_a_million_times(wire: Wire) -> None:
    await wire.accept()
    one = wire.ballot(0)
    while True:
        await wire.say(*one * 500)


async def _negative_tokens(wire: Wire) -> None:
    await wire.accept()
    await wire.chunk(b'{"kind":"heartbeat","tokens":[-1]}\n')
    await wire.end()


async def _not_a_number(wire: Wire) -> None:
    await wire.accept()
    commit, cast = wire.ballot(0)
    told = protocol.write_line(cast).replace(b'"confidence":1.0', b'"confidence":NaN')
    await wire.say(commit)
    await wire.chunk(told)
    await wire.end()


async def _late_acceptance(wire: Wire) -> None:
    await wire.head()
    await asyncio.sleep(30)
    await wire.accept()


async def _accepts_for_ever(wire: Wire) -> None:
    await wire.head()
    while True:
        await wire.say(Accepted(seats=1))
        await asyncio.sleep(0.05)


async def _ballots_after_the_end(wire: Wire) -> None:
    await wire.accept()
    await wire.say(*wire.ballot(0), End(why="done"))
    while True:
        await wire.say(*wire.ballot(1), *wire.ballot(2))


async def _bomb(wire: Wire) -> None:
    await wire.head(b"Content-Encoding: gzip\r\n")
    await wire.chunk(gzip.compress(bytes(64 * _MIB)))
    await wire.raw(b"0\r\n\r\n")


async def _bomb_in_transfer(wire: Wire) -> None:
    await wire.raw(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n")
    await wire.chunk(gzip.compress(bytes(64 * _MIB)))
    await wire.raw(b"0\r\n\r\n")


async def _byte_by_byte(wire: Wire) -> None:
    await wire.accept()
    while True:
        await wire.raw(b"1\r\n \r\n" * 10_000)


async def _dripping_head(wire: Wire) -> None:
    for byte in OK + b"X-Padding: " + b"x" * 10_000:
        await wire.raw(bytes([byte]))
        await asyncio.sleep(0.02)


async def _dripping_body(wire: Wire) -> None:
    await wire.accept()
    while True:
        await wire.chunk(b" ")
        await asyncio.sleep(0.02)


async def _continues_for_ever(wire: Wire) -> None:
    while True:
        await wire.raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 10)
        await asyncio.sleep(0.001)


async def _smuggled(wire: Wire) -> None:
    """One answer inside another, by two lengths that say different things."""
    inner = OK + b"Content-Length: 2\r\n\r\n{}"
    both = b"Content-Length: 5\r\n" + _CHUNKED
    await wire.raw(OK + both + b"\r\n0\r\n\r\n" + inner)


async def _two_lengths(wire: Wire) -> None:
    await wire.raw(OK + b"Content-Length: 5\r\nContent-Length: 500\r\n\r\n{}\n{}\n")


async def _answers_unasked(wire: Wire) -> None:
    """A good answer, and behind it one to whatever is asked next on this connection."""
    await wire.accept()
    await wire.say(*wire.ballot(0))
    unasked = b'{"port":1,"models":["poison"],"seats":64}'
    await wire.say(End(why="done"))
    await wire.raw(b"0\r\n\r\n" + OK + b"Content-Length: %d\r\n\r\n" % len(unasked) + unasked)


async def _wrong_type(wire: Wire) -> None:
    page = b"<html><body>Welcome</body></html>\n" * 100
    await wire.raw(OK + b"Content-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page))
    await wire.raw(page)


async def _a_huge_header(wire: Wire) -> None:
    await wire.raw(OK + b"X-Padding: ")
    while True:
        await wire.raw(b"x" * _MIB)


async def _countless_headers(wire: Wire) -> None:
    await wire.raw(OK)
    while True:
        await wire.raw(b"X-Padding: x\r\n" * 1000)


async def _no_http(wire: Wire) -> None:
    while True:
        await wire.raw(secrets.token_bytes(1 << 16))


async def _a_length_it_never_sends(wire: Wire) -> None:
    await wire.raw(OK + b"Content-Length: 999999999999\r\n\r\n")
    await asyncio.sleep(3600)


async def _elsewhere(wire: Wire) -> None:
    place = b"http://169.254.169.254/latest/meta-data/"
    await wire.raw(b"HTTP/1.1 307 Go\r\nLocation: " + place + b"\r\nContent-Length: 0\r\n\r\n")


async def _busy_for_a_century(wire: Wire) -> None:
    head = b"HTTP/1.1 503 Busy\r\nRetry-After: 3155760000\r\nContent-Length: 0\r\n\r\n"
    await wire.raw(head)


async def _long_texts(wire: Wire) -> None:
    """As much as is allowed of what is hard to read."""
    await wire.accept()
    for seat, what in enumerate(("(", "1,", "[{", "a=", "\\frac{", "**", "```", "not ")):
        await wire.say(*wire.ballot(seat, what * (131_000 // len(what))))
    await wire.end()


async def _steers_the_terminal(wire: Wire) -> None:
    await wire.accept()
    commit, cast = wire.ballot(0)
    told = protocol.write_line(cast).replace(b'"model":"', b'"model":"\\u001b[2J')
    await wire.say(commit)
    await wire.chunk(told)
    await wire.end()


async def _never_answers(wire: Wire) -> None:
    await asyncio.sleep(3600)


async def _hangs_up(wire: Wire) -> None:
    await wire.accept()


WAYS: dict[str, Way] = {
    way.__name__.strip("_").replace("_", " "): way
    for way in (
        _endless_line, _endless_lines, _a_million_ballots, _one_ballot_a_million_times,
        _negative_tokens, _not_a_number, _late_acceptance, _accepts_for_ever,
        _ballots_after_the_end, _bomb, _bomb_in_transfer, _byte_by_byte, _dripping_head,
        _dripping_body, _continues_for_ever, _smuggled, _two_lengths, _answers_unasked,
        _wrong_type, _a_huge_header, _countless_headers, _no_http, _a_length_it_never_sends,
        _elsewhere, _busy_for_a_century, _long_texts, _steers_the_terminal, _never_answers,
        _hangs_up,
    )
}  # fmt: skip


async def _packed(bad: Bad) -> AsyncIterator[bytes]:
    body = gzip.compress(bytes(64 * _MIB), 1)
    yield OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    yield body


async def _without_end(bad: Bad) -> AsyncIterator[bytes]:
    yield OK + _CHUNKED + b"\r\n"
    while True:
        yield b"100000\r\n" + b" " * _MIB + b"\r\n"


async def _dripping(bad: Bad) -> AsyncIterator[bytes]:
    yield OK + b"Content-Length: 100000\r\n\r\n"
    while True:
        yield b" "
        await asyncio.sleep(0.02)


POLLS: dict[str, Callable[[Bad], AsyncIterator[bytes]]] = {
    "packed polls": _packed,
    "polls without end": _without_end,
    "dripping polls": _dripping,
}
