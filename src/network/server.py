"""The peer port: TLS 1.3, and every request is tied to the certificate of its connection.

uvicorn's HTTP/1.1 protocol is used, not its server: ASGI has no client certificate there, and the
connections of a removed peer must be cut, so both are done by a subclass of the protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import Counter
from collections.abc import Sequence
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from ..errors import LanError
from . import transport
from .answers import answer, bounded, closed, nothing, refusal
from .book import Book
from .identity import Identity, device_id_of

PEER = "local_swarm.peer"  # in the scope of a request: the id of who sent it, None for strangers
_BODY = 8 << 20  # bytes of a member's request
_STRANGER_BODY = 16 << 10
_STRANGER_S = 15.0  # a stranger's connection lives no longer
_STRANGERS = 16  # connections at once
_PER_PEER = 32
_HANDSHAKE_S = 5.0
_SHAKING, _SHAKING_PER_HOST = 64, 8  # handshakes at once
_IDLE_S = 150
_CLOSE_S = 1.0
_TURNS = 3  # of the loop: the task starts, makes its transport, is told of it
_LOG = logging.getLogger("local_swarm.network")
# What uvicorn logs of a failed request may hold a prompt.
_SILENT = logging.getLogger("local_swarm.network.http")
_SILENT.setLevel(logging.CRITICAL + 1)


class PeerServer:
    """Serves `routes` to peers in `book`, and only `strangers` to whoever shows no certificate.

    `request.scope[PEER]` is the proven id of the caller. Who is removed from the book is cut off at
    once, in the middle of an answer too.
    """

    def __init__(
        self,
        identity: Identity,
        book: Book,
        routes: Sequence[BaseRoute],
        strangers: Sequence[BaseRoute] = (),
    ) -> None:
        self._book = book
        self._context = transport.serving(identity)
        self._trusted: set[str] = set()
        self._members = Router(routes, redirect_slashes=False, default=nothing)
        self._strangers = Router(strangers, redirect_slashes=False, default=closed)
        self._config = Config(
            self._serve,
            interface="asgi3",
            http=H11Protocol,
            proxy_headers=False,  # who calls is told by the socket
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            date_header=False,
            server_header=False,
            timeout_keep_alive=_IDLE_S,
        )
        self._state = ServerState()
        self._connections: set[_Connection] = set()
        self._sock: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._shaking: dict[asyncio.Task[None], str] = {}  # handshakes, and from which host
        self._forget = book.on_change(self._changed)
        self._changed()

    @property
    def port(self) -> int | None:
        """The port that is open; None before `start` and after `close`."""
        return self._sock.getsockname()[1] if self._sock else None

    async def start(self, host: str, port: int) -> None:
        """Listens on `host` (empty: on all interfaces). Raises LanError."""
        try:
            self._sock = _bind(host, port)
        except (OSError, OverflowError, UnicodeError) as error:
            number = getattr(
                error, "errno", None
            )  # asyncio's and ours add the address to the words
            why = os.strerror(number) if number and number > 0 else "no such address"
            raise LanError(
                f"The port for peers, {port} on {host or 'all interfaces'}, cannot be opened: "
                f"{why}.",
                hint="Choose another with `local-swarm run --peer-port N`.",
            ) from None
        self._sock.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(self._sock))

    async def close(self) -> None:
        """Closes the port, lets answers under way end for a moment, and cuts the rest."""
        if self._sock is None or self._accepting is None:
            return
        self._forget()
        self._accepting.cancel()
        await asyncio.gather(self._accepting, return_exceptions=True)
        # A handshake that has not begun cannot be ended: its transport would stay open.
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for task in self._shaking:
            task.cancel()
        await asyncio.gather(*self._shaking, return_exceptions=True)
        self._sock.close()
        self._sock = None
        for connection in tuple(self._connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_CLOSE_S)
        for connection in tuple(self._connections):
            connection.cut()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_CLOSE_S)

    def admit(self, connection: _Connection, certificate: bytes | None) -> str | None:
        """The id of who connected, None for a stranger. Raises PermissionError."""
        self._connections.add(connection)
        if certificate is None:
            if self._count()[None] > _STRANGERS:
                raise PermissionError
            return None
        # TLS has seen that the caller has the key of a certificate that was once trusted.
        id = device_id_of(certificate)
        if self._book.get(id) is None or self._count()[id] >= _PER_PEER:
            raise PermissionError
        return id

    def left(self, connection: _Connection) -> None:
        """Told when a connection has ended."""
        self._connections.discard(connection)

    async def _accept(self, sock: socket.socket) -> None:
        """Takes connections, so many at once that have not shown who they are."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                taken, address = await loop.sock_accept(sock)
            except OSError:  # no file descriptor is left, or it went away again
                await asyncio.sleep(0.1)
                continue
            hosts = list(self._shaking.values())
            if len(hosts) >= _SHAKING or hosts.count(address[0]) >= _SHAKING_PER_HOST:
                taken.close()
                continue
            with contextlib.suppress(OSError):  # asyncio does it for sockets that it has made
                taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(self._welcome(taken))
            self._shaking[task] = address[0]
            task.add_done_callback(self._shaking.pop)

    async def _welcome(self, sock: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Connection(self, self._config, self._state),
                sock,
                ssl=self._context,
                ssl_handshake_timeout=_HANDSHAKE_S,
                ssl_shutdown_timeout=1.0,
            )
        except (OSError, asyncio.CancelledError):  # no TLS, or nobody that we know
            sock.close()

    def _count(self) -> Counter[str | None]:
        return Counter(connection.peer for connection in self._connections)

    def _changed(self) -> None:
        for peer in self._book.peers():
            if peer.id not in self._trusted:
                self._context.load_verify_locations(cadata=peer.certificate)
                self._trusted.add(peer.id)
        for connection in tuple(self._connections):
            if connection.peer is not None and self._book.get(connection.peer) is None:
                connection.cut()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        connection: _Connection = scope.pop("state")["connection"]
        scope[PEER] = connection.peer
        app: ASGIApp = self._strangers if connection.peer is None else self._members
        limit = _STRANGER_BODY if connection.peer is None else _BODY
        started = False

        async def sender(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        task = asyncio.current_task()
        assert task is not None
        connection.requests.add(task)
        try:
            await app(scope, bounded(receive, limit), sender)
        except asyncio.CancelledError:
            if not connection.is_cut:
                raise
            task.uncancel()  # by our own hand: there is nobody to be told
        except ClientDisconnect:
            pass  # it hung up in the middle of its own question: there is nobody to be told
        except Exception as error:
            fault = refusal(error)
            if fault[0] >= 500:
                _LOG.error("a peer's request failed: %s", type(error).__name__)
            if not started:
                await answer(send, *fault)
            else:
                connection.cut()
        finally:
            connection.requests.discard(task)


class _Connection(H11Protocol):
    """One connection of the peer port, and whose it is."""

    def __init__(self, server: PeerServer, config: Config, state: ServerState) -> None:
        super().__init__(config, state, {"connection": self})
        self.logger = _SILENT
        self.requests: set[asyncio.Task[Any]] = set()
        self.peer: str | None = None
        self.is_cut = False
        self._of = server

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        try:
            tls = transport.get_extra_info("ssl_object")
            self.peer = self._of.admit(self, tls.getpeercert(binary_form=True))
        except PermissionError:
            self.cut()
            return
        if self.peer is None:
            self.loop.call_later(_STRANGER_S, self.cut)

    def connection_lost(self, exc: Exception | None) -> None:
        self._of.left(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.is_cut:
            super().data_received(data)

    def cut(self) -> None:
        """Ends the connection now, and what it had asked for."""
        self.is_cut = True
        self.transport.abort()
        for request in self.requests:
            request.cancel()


def _bind(host: str, port: int) -> socket.socket:
    if not host and socket.has_dualstack_ipv6():
        try:
            return socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128
            )
        except OSError as error:
            if error.errno in (98, 48, 10048):  # EADDRINUSE on Linux, macOS, Windows
                raise
    if port > 65535:
        raise OverflowError
    family = socket.AF_INET6 if ":" in host else socket.AF_INET  # else: IPv6 is switched off here
    return socket.create_server((host, port), family=family, backlog=128)
