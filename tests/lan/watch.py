"""Asks the node of its host, hangs up, and looks when the engine there is idle:
python -m tests.lan.watch

It does what lines of JSON tell it and answers each with a line:
{"do": "ask", "body"}       asks, and does not wait for the answer
{"do": "hang"}              hangs up; when (on the clock that all hosts share)
{"do": "busy", "seconds"}   whether any slot of the engine was busy within that time
{"do": "idle"}              when no slot was busy any more
"""

from __future__ import annotations

import json
import socket
import sys
import time
from http.client import HTTPConnection
from typing import Any

_API = ("127.0.0.1", 17600)
_EVERY_S = 0.005
_calls: list[socket.socket] = []


def _ask(body: Any) -> None:
    words = json.dumps(body).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(words)}\r\n\r\n"
    _calls.append(socket.create_connection(_API, 5))
    _calls[-1].sendall(head.encode() + words)


def _hang_up() -> float:
    at = time.monotonic()
    _calls.pop().close()
    return at


def _slots(node: HTTPConnection) -> int:
    node.request("GET", "/swarm/status")
    told = json.loads(node.getresponse().read())
    return sum(engine["slots_busy"] for engine in told["engines"])


def _busy(node: HTTPConnection, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not (found := _slots(node) > 0) and time.monotonic() < end:
        time.sleep(_EVERY_S)
    return found


def _idle(node: HTTPConnection) -> float:
    while _slots(node):
        time.sleep(_EVERY_S)
    return time.monotonic()


def _done(asked: dict[str, Any]) -> Any:
    node = HTTPConnection(*_API, timeout=30)
    match asked["do"]:
        case "ask":
            return _ask(asked["body"])
        case "hang":
            return _hang_up()
        case "busy":
            return _busy(node, asked["seconds"])
        case _:
            return _idle(node)


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_done(json.loads(line))), flush=True)
