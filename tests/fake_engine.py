"""An engine that does what the prompt says, in the words of llama.cpp's server: what a real one
cannot be made to do on time. Run by `Child` as any engine: `python -m tests.fake_engine`.

The last user message is a list of orders, "word" or "word=number": `garbage`, `mute` (the stream
just ends), `refuse` (500), `broken` (an error event), `http` (no HTTP at all), `die=N`, `cut=N`,
`hang=N` (after N tokens), `slow=N` (ms a token),
`think=N` (ms before the first one), `tokens=N`, `loop`. With `once` they hold for
the first request of that text only, whatever engine process gets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: close\r\n\r\n"
)
HUNG = asyncio.Event()
BUSY: set[object] = set()


def main() -> None:
    """Serves until standard input closes."""
    config = json.loads(sys.stdin.buffer.readline())
    stolen = Path(os.environ["FAKE_STATE"]) / "stolen"
    if stolen.exists():  # somebody took our port between choosing and binding it
        stolen.unlink()
        sys.exit("bind: Address already in use")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(config))


async def _serve(config: dict[str, Any]) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"url": f"http://127.0.0.1:{port}"}), flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def read() -> None:
        if not os.read(0, 4096):
            ended.set()

    loop.add_reader(0, read)
    await ended.wait()
    os._exit(0)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        path = head.split(" ")[1]
        lines = head.lower().splitlines()
        size = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
        body = json.loads(await reader.readexactly(size)) if size else {}
        if path == "/v1/chat/completions":
            BUSY.add(writer)
            try:
                await _stream(writer, body)
            finally:
                BUSY.discard(writer)
        elif path == "/slots":
            if HUNG.is_set():  # the loop that would answer hangs
                await asyncio.sleep(3600)
            _plain(writer, [{"is_processing": True} for _ in BUSY])
        elif path.endswith("input_tokens"):
            _plain(writer, {"input_tokens": 9})
        else:
            _plain(writer, {"status": "ok"})
        await writer.drain()
    writer.close()


def _plain(writer: asyncio.StreamWriter, said: Any, status: int = 200) -> None:
    content = json.dumps(said).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)


def orders(body: dict[str, Any]) -> dict[str, int]:
    """What the prompt wants."""
    text = next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user")
    words = text.split()
    asked = {name: int(value or 0) for name, _, value in (word.partition("=") for word in words)}
    if "once" in asked:
        mark = Path(os.environ["FAKE_STATE"]) / hashlib.sha256(text.encode()).hexdigest()
        if mark.exists():
            return {name: value for name, value in asked.items() if name == "tokens"}
        mark.touch()
    return asked


async def _stream(writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
    asked = orders(body)
    if "refuse" in asked:
        return _plain(writer, {"error": {"message": "boom", "code": 500}}, 500)
    if "http" in asked:
        writer.write(b"\x00\xffthis is no HTTP\r\n\r\n")
        return None
    writer.write(_HEAD)
    await asyncio.sleep(asked.get("think", 0) / 1000)
    seats, wanted = range(body["n"]), asked.get("tokens", 4)
    last = body["messages"][-1]
    begun = len(last["content"].split()) if last["role"] == "assistant" else 0  # it goes on there
    for at in range(begun, min(wanted, begun + body["max_tokens"])):
        if asked.get("die") == at:
            os._exit(1)
        if asked.get("cut") == at:
            return None
        if asked.get("hang") == at:
            HUNG.set()
            await asyncio.sleep(3600)
        if at == 2 and "garbage" in asked:
            _send(writer, '["\\u0000", {"choices": 7}]')
        if at == 2 and "broken" in asked:
            _send(writer, '{"error": {"message": "boom", "code": 500}}')
            return None
        for seat in seats:
            looping = "loop" in asked and seat == len(seats) - 1
            _chunk(writer, seat, at + 1 - begun, "round and round " if looping else f"w{at} ")
        await writer.drain()
        await asyncio.sleep(asked.get("slow", 0) / 1000)
    if "mute" not in asked:
        for seat in seats:
            _chunk(writer, seat, wanted - begun, "", "stop")
        _send(writer, "[DONE]")
    writer.write(b"0\r\n\r\n")
    return None


def _chunk(
    writer: asyncio.StreamWriter, seat: int, tokens: int, text: str, finish: str | None = None
) -> None:
    choice = {"index": seat, "delta": {"content": text}, "finish_reason": finish}
    chunk = {"choices": [choice], "timings": {"predicted_n": tokens}}
    _send(writer, json.dumps(chunk))


def _send(writer: asyncio.StreamWriter, event: str) -> None:
    data = f"data: {event}\n\n".encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


if __name__ == "__main__":
    main()
