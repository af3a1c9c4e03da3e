"""Runs a node behind its HTTP API, from the bound port to the last cleaned-up file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .api.app import build
from .api.guard import Access
from .chat import Responder
from .errors import PortTaken, UsageError
from .network.mode import Mode
from .node import Node
from .settings import Settings
from .status import NodeStatus
from .wire import runtime
from .wire.address import is_loopback

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp


_LOOK_S, _LOOKS = 0.05, 200
_FAREWELL_S = 60  # for answers under way when another node takes over


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the API listens; port 0 takes any free one."""

    host: str
    port: int
    api_key: str | None = None


def bind(listen: Listen) -> socket.socket:
    """A listening socket. Raises PortTaken, or UsageError for an address that is not ours."""
    if not listen.host:
        raise UsageError("There is no address to listen on.", hint="Give --host 127.0.0.1.")
    if not is_loopback(listen.host) and not listen.api_key:
        raise UsageError(
            f"{listen.host} can be reached by other machines, and no API key is set.",
            hint="Give one with --api-key, or stay on 127.0.0.1.",
        )
    try:
        family, _, _, _, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # With the protocol named, asyncio sets TCP_NODELAY on what it accepts. Without, head and
        # body of an answer on a kept connection are 40 ms apart (Nagle and the delayed ACK).
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except (OSError, OverflowError, UnicodeError):
        raise UsageError(f"{listen.host}:{listen.port} is no address to listen on.") from None
    try:
        if sys.platform != "win32":  # there it would let two programs share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(128)
    except OSError as error:
        sock.close()
        if error.errno in (98, 48, 10048):  # EADDRINUSE on Linux, macOS, Windows
            raise PortTaken(listen.host, listen.port) from None
        raise UsageError(
            f"{listen.host}:{listen.port} cannot be listened on: {error.strerror}.",
            hint="Choose another --host or --port.",
        ) from None
    return sock


async def serve(
    node: Node,
    listen: Listen,
    settings: Settings,
    ready: Callable[[NodeStatus], None],
    sock: socket.socket | None = None,
    around: Callable[[Responder], Responder] = lambda responder: responder,
    until: Future[Any] | None = None,
    hold: bool = False,
) -> bool:
    """Serves until a signal or `local-swarm stop`; `ready` is called when answers can be had.
    `around` puts something before the node: tracing, say. With `hold` who asks while the model is
    loaded waits, else he is told. Where `until` is done it ends too, with no answer broken off,
    and returns True.

    Raises SwarmError when the port or the model is not to be had. Leaves no child and no file.
    """
    sock = sock or bind(listen)
    port = sock.getsockname()[1]
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    node.url = f"http://{host}:{port}"
    token, stop = secrets.token_urlsafe(24), asyncio.Event()
    app = build(
        around(node),
        node,
        Access(listen.host, listen.api_key),
        control_token=token,
        stop=stop.set,
        can=node.can,
        lan=node.lan,
        headless=node.lan is not None and node.lan.config.mode is Mode.HEADLESS,
    )
    server = _server(app)
    signals = _on_signals(stop.set)
    pid = os.getpid()
    stopping = asyncio.create_task(stop.wait())
    loading = asyncio.create_task(
        _load(node, ready, settings, runtime.Runtime(node.url, pid, token))
    )
    serving = asyncio.create_task(_serving(server, sock, loading if hold else None))
    relief = asyncio.create_task(_relief(until, node))
    try:
        await asyncio.wait((stopping, loading), return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            loading.result()
            await asyncio.wait((stopping, serving, relief), return_when=asyncio.FIRST_COMPLETED)
        if relieved := relief.done() and not stopping.done():
            server.config.timeout_graceful_shutdown = _FAREWELL_S
            server.should_exit = True
            await asyncio.wait((stopping, serving), return_when=asyncio.FIRST_COMPLETED)
        return relieved and not stopping.done()
    finally:
        loading.cancel()
        server.should_exit = True
        # Answers under way end with the engine: they are told, then the server can leave.
        await node.close()
        await asyncio.gather(serving, loading, return_exceptions=True)
        stopping.cancel()
        relief.cancel()
        runtime.remove(runtime.place(settings.nodes, pid), pid)
        signals()
        sock.close()


async def _serving(
    server: uvicorn.Server, sock: socket.socket, loading: asyncio.Task[None] | None
) -> None:
    if loading:
        await asyncio.wait((loading,))
    if not server.should_exit:
        await server.serve(sockets=[sock])


async def _relief(until: Future[Any] | None, node: Node) -> None:
    """Ends at a good moment after `until` is done: now, or when those asking are answered."""
    if until is None:
        await asyncio.Event().wait()
        return
    await asyncio.wrap_future(until)
    for _ in range(_LOOKS):
        if not any(engine.slots_busy or engine.queue for engine in node.status().engines):
            return
        await asyncio.sleep(_LOOK_S)


async def _load(
    node: Node,
    ready: Callable[[NodeStatus], None],
    settings: Settings,
    entry: runtime.Runtime,
) -> None:
    await node.start()
    with contextlib.suppress(OSError):  # a read-only home: commands then find the node by its port
        runtime.write(runtime.place(settings.nodes, entry.pid), entry)
    ready(node.status())


def _server(app: ASGIApp) -> uvicorn.Server:
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:  # signals are ours
            yield

    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",  # anybody can send nonsense, and fill the terminal with it
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,  # nobody stands before us whose word on addresses counts
        timeout_graceful_shutdown=3,
    )
    return Server(config)


def _on_signals(stop: Callable[[], None]) -> Callable[[], None]:
    """Calls `stop` on SIGINT, SIGTERM and SIGHUP; returns what undoes that."""
    loop = asyncio.get_running_loop()
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    wanted = [getattr(signal, name) for name in names if hasattr(signal, name)]
    try:
        for number in wanted:
            loop.add_signal_handler(number, stop)
    except (NotImplementedError, ValueError, RuntimeError):  # Windows, or not the main thread
        return lambda: None

    def undo() -> None:
        for number in wanted:
            loop.remove_signal_handler(number)

    return undo
