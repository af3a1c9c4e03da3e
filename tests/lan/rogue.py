"""Somebody on the LAN who is nobody's peer, with any certificate that it likes, on bare TLS:
python tests/lan/rogue.py

It does what lines of JSON tell it and answers each with a line:
{"do": "ask", "at", "pem"}           how its question for health is answered: a status, or why not
{"do": "guess", "at", "secret"}      the status for an attempt to pair
{"do": "hold", "at", "pem"}          the same as "ask", and the connection is kept
{"do": "held"}                       how the next question on that connection is answered
{"do": "serve", "port", "pem"}       listens as somebody else from now on
{"do": "served"}                     [connections that came, bytes that they said inside TLS]
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from typing import Any

_ASK = b"GET /peer/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
_held: list[ssl.SSLSocket] = []
_served = [0, 0]


def _connect(at: str, pem: str | None) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if pem:
        context.load_cert_chain(pem)
    host, _, port = at.rpartition(":")
    sock = socket.create_connection((host, int(port)), 5)
    sock.settimeout(5)
    return context.wrap_socket(sock)


def _answer(wire: ssl.SSLSocket, asked: bytes) -> int | str:
    """The status of an answer, or what came instead of one."""
    try:
        wire.sendall(asked)
        told = wire.recv(1 << 16)
        head, _, body = told.partition(b"\r\n\r\n")
        left = int(head.lower().partition(b"content-length:")[2].split()[0]) if told else 0
        while len(body) < left:
            body += wire.recv(1 << 16)
    except OSError as error:
        return type(error).__name__
    return int(told.split(b" ")[1]) if told else "closed"


def _serve(port: int, pem: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    listening = socket.create_server(("", port))

    def work() -> None:
        while True:
            taken, _ = listening.accept()
            _served[0] += 1
            try:
                with context.wrap_socket(taken, server_side=True) as wire:
                    wire.settimeout(2)
                    while said := wire.recv(1 << 16):
                        _served[1] += len(said)
            except OSError:
                continue

    threading.Thread(target=work, daemon=True).start()


def _done(asked: dict[str, Any]) -> Any:
    match asked["do"]:
        case "ask" | "hold":
            try:
                wire = _connect(asked["at"], asked.get("pem"))
            except OSError as error:
                return type(error).__name__
            told = _answer(wire, _ASK)
            if asked["do"] == "hold":
                _held.append(wire)
            else:
                wire.close()
            return told
        case "held":
            return _answer(_held[-1], _ASK)
        case "guess":
            body: dict[str, Any] = dict.fromkeys(("certificate", "proof", "name"), "")
            body |= {"secret": asked["secret"], "port": 1}
            words = json.dumps(body).encode()
            head = b"POST /peer/v1/pair HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
            with _connect(asked["at"], None) as wire:
                return _answer(wire, head % len(words) + words)
        case "serve":
            return _serve(asked["port"], asked["pem"])
        case _:
            return _served


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_done(json.loads(line))), flush=True)
