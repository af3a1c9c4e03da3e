"""Foreign servers that lie, never end or speak something else: each costs its ballot and is told in
words; nothing hangs, grows without bound or reaches a terminal raw."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import math
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path

import pytest

from local_swarm.backends import openai_http
from local_swarm.backends.base import Piece
from local_swarm.backends.endpoint import Endpoint, EndpointConfig
from local_swarm.backends.foreign import Offer, adopt, inspect
from local_swarm.ballot import Finish
from local_swarm.chat import ChatRequest
from local_swarm.errors import EngineError, EngineUnavailable, SwarmError
from local_swarm.wire import sse

ASKED = ChatRequest("r", ({"role": "user", "content": "hello"},), max_tokens=4)
Said = Iterable[bytes]


@contextmanager
def liar(said: Callable[[], Said], context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that says `said()`, byte for byte, to whoever asks for whatever."""

    def answer(wire: socket.socket) -> None:
        with wire, contextlib.suppress(OSError):
            if context:
                wire = context.wrap_socket(wire, server_side=True)
            wire.settimeout(10)
            wire.recv(1 << 16)
            for part in said():
                wire.sendall(part)

    def work() -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, _ = listener.accept()
                thread = threading.Thread(target=answer, args=(wire,), name="liar")
                thread.start()
                answering.append(thread)

    answering: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=work, name="liars")
        thread.start()
        try:
            scheme = "https" if context else "http"
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for one in (thread, *answering):
                one.join(15)


def head(status: str = "200 OK", kind: str = "text/event-stream", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def event(**choice: object) -> bytes:
    return f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\n\n".encode()


def words(*texts: str, finish: str | None = "stop") -> list[bytes]:
    return [*(event(delta={"content": text}) for text in texts),
            event(delta={}, finish_reason=finish), b"data: [DONE]\n\n"]  # fmt: skip


def ask(*said: Said) -> list[Piece]:
    """The pieces that come of it; the answer is `said` one after the other."""

    async def main(url: str) -> list[Piece]:
        engine = Endpoint(EndpointConfig(url, "m", "m", 2))
        try:
            async with asyncio.timeout(20):
                return [one async for one in engine.sample(ASKED, 1) if isinstance(one, Piece)]
        finally:
            assert engine.status().slots_busy == 0
            await engine.close()

    with liar(lambda: (part for some in said for part in some)) as url:
        return asyncio.run(main(url))


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "image/png", ""])
def test_the_type_that_a_stream_claims_to_have_does_not_matter(kind: str) -> None:
    assert text(ask([head(kind=kind)], words("Answer", ": 21"))) == "Answer: 21"


def test_an_answer_in_one_piece_is_an_answer() -> None:
    choice = {"message": {"role": "assistant", "content": "Answer: 21"}, "finish_reason": "stop"}
    whole = json.dumps({"choices": [choice], "usage": {"completion_tokens": 7}}, indent=1)
    pieces = ask([head(kind="application/json"), whole.encode()])
    assert text(pieces) == "Answer: 21"
    assert (pieces[-1].finish, pieces[-1].tokens) == (Finish.STOP, 7)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            [head(kind="application/json"), b'{"error": {"message": "no \\u001b[2J card"}}'],
            r"no  ?\[2J card",
        ),
        ([head(), b'data: {"error": {"message": "out of memory"}}\n\n'], "out of memory"),
        ([head(kind="application/json"), b'{"detail": "nothing here"}'], "nothing here"),
        ([head(kind="text/html"), b"<!doctype html><title>hi"], "a web page"),
        ([head("429 Too Many Requests"), b'{"error": "slow down"}'], "busy.*slow down"),
        ([head("401 Unauthorized"), b'{"error": {"message": "who"}}'], "another API key"),
        ([head("302 Found", "text/html", "Location: http://elsewhere/")], "another address"),
        ([head("200 OK", "text/event-stream", "Content-Encoding: gzip"), b"no gzip"], "garbage"),
        ([head("200 OK", "text/event-stream", "Content-Length: 99"), b"data: "], "No server"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], "No server answers"),
        ([b""], "No server answers"),
        ([head(), *words("half", finish="error")], "gave its answer up"),
        ([head(), event(delta={"content": 7}, index=3), b"data: [DONE]\n\n"], "too early"),
    ],
    ids=lambda said: said if isinstance(said, str) else "",
)
def test_what_is_no_answer_is_told(said: list[bytes], told: str) -> None:
    with pytest.raises(SwarmError, match=told) as caught:
        ask(said)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("eos_token", Finish.STOP), ("max_tokens", Finish.LENGTH), ("content_filter", Finish.STOP)],
)
def test_why_an_answer_ended_in_words_of_its_own(reason: str, finish: Finish) -> None:
    assert ask([head()], words("x", finish=reason))[-1].finish is finish


@pytest.mark.parametrize("delta", [{"content": "on and "}, {}], ids=["words", "nothing"])
def test_an_answer_without_an_end_is_cut(delta: dict[str, str]) -> None:
    pieces = ask([head()], repeat(event(delta=delta)))
    assert pieces[-1].finish is Finish.LENGTH
    assert len(pieces) < 2000


def test_an_error_without_an_end_is_cut() -> None:
    with pytest.raises(EngineError, match=r"x{100}"):
        ask([head("500 Oh", "text/plain")], repeat(b"x" * 4096))


@pytest.mark.parametrize("part", [b"data: x", b"data: x\n", b"{\n"], ids=["line", "event", "JSON"])
def test_an_event_without_an_end_is_cut(part: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_LONGEST", 1 << 16)
    monkeypatch.setattr(openai_http, "_OBJECT", 1 << 16)
    with pytest.raises(SwarmError, match=r"without an end|more than"):
        ask([head()], repeat(part * 100))


def test_signs_of_life_are_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_http, "_SILENCE_S", 0.05)
    with pytest.raises(EngineUnavailable, match="no word in 0 s"):
        ask([head()], repeat(b": still here\n\n"))


def test_numbers_that_are_none() -> None:
    logprobs = {"content": [{"token": "x", "logprob": -math.inf, "top_logprobs": []}]}
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": -5, "completion_tokens": 1%s}}\n\n'
    said = [head(), event(delta={"content": "x"}, logprobs=logprobs), usage % (b"0" * 400)]
    pieces = ask([*said, *words("y")])
    assert text(pieces) == "xy" and pieces[-1].tokens == 2
    assert pieces[0].logprobs == (-9999.0,)
    with pytest.raises(EngineError, match="cannot be read"):
        ask([head(), b'data: {"usage": {"completion_tokens": Infinity}}\n\n'])


def models(*ids: str, **more: object) -> bytes:
    return json.dumps({"data": [{"id": id} for id in ids], **more}).encode()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            [head("301 Moved", "text/html", "Location: https://other/v1")],
            "sends us on to https",
        ),
        ([head(kind="text/html"), b"<html>"], "speaks no OpenAI API"),
        ([head("200 OK", "application/json"), b"[" * 100_000], "speaks no OpenAI API"),
        ([b"220 mail ready\r\n"], "No server answers"),
    ],
    ids=["redirect", "page", "deep", "mail"],
)
def test_what_is_no_server_of_models(said: list[bytes], told: str) -> None:
    with liar(lambda: said) as url, pytest.raises(EngineUnavailable, match=told) as caught:
        inspect(url)
    assert caught.value.message.isprintable()


def test_whatever_listens_on_a_usual_port_is_looked_at_briefly() -> None:
    """A camera that streams for ever, a list of other things, and a server of models."""
    camera = liar(lambda: chain([head(kind="image/jpeg")], repeat(b"\xff" * 65536)))
    shop = liar(lambda: [head(kind="application/json"), models("shoe", "hat")])
    real = liar(lambda: [head(kind="application/json"), models("\x1b]0;m\x07", object="list")])
    with camera as one, shop as two, real as three:
        ports = [int(url.rpartition(":")[2]) for url in (one, two, three)]
        [found] = adopt(ports)
        assert found.url == three and found.models == (Offer("\x1b]0;m\x07"),)
        assert found.models[0].name == "]0;m"
        with pytest.raises(EngineUnavailable, match="no end"):
            inspect(one, timeout_s=5)


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))
    with (
        liar(lambda: [head(), models("m")], context) as url,
        pytest.raises(EngineUnavailable, match=r"certificate .* not trusted: self-") as caught,
    ):
        inspect(url)
    assert "known authority" in caught.value.hint


def _self_signed(folder: Path) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "liar")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "liar.pem"
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    encoding = serialization.Encoding.PEM
    file.write_bytes(made.public_bytes(encoding) + key.private_bytes(encoding, form, plain))
    return file
