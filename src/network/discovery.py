"""Where machines of ours may be, told by multicast DNS (RFC 6762, 6763).

We announce a service whose name is the start of our device id, with a port and the addresses of
our interfaces, and nothing about the person or the machine. What others announce is a hint where
to knock: who is there is told by TLS, and whether it still lives by our own polls (`members`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import addresses
from .addresses import Link

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

SERVICE = "_local-swarm._tcp.local."
_SHORT = 12  # characters of a device id: 60 bits, no two machines of a house share them
_HINTS = 512  # names kept; whoever floods the LAN takes no memory
_TASKS = 64  # names looked up at once; one that is missed is heard again
_ADDRESSES = 8
_AGAIN_S = 60.0
_LOG = logging.getLogger("local_swarm.network")

Found = Callable[[str, tuple[str, ...]], None]


def short(device_id: str) -> str:
    """What stands for a machine in the names that it announces."""
    return device_id[:_SHORT].lower()


class Discovery:
    """Announces this machine and listens for others, inside an `async with` block.

    `found(short id, addresses)` is called for every machine heard of, and again when its addresses
    change. `missing` says whether somebody is looked for: then the announcement is repeated once a
    minute. Where multicast cannot be had, `trouble` says why, and nothing is found. Without a
    `port` it only listens, and hears this machine too.
    """

    def __init__(
        self,
        device_id: str,
        port: int | None,
        found: Found | None = None,
        missing: Callable[[], bool] = lambda: False,
    ) -> None:
        self.trouble: str | None = None
        self._name = f"ls-{short(device_id)}"
        self._own = short(device_id)
        self._port = port
        self._found = found
        self._missing = missing
        self._hints: dict[str, tuple[str, ...]] = {}
        self._news = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._info: AsyncServiceInfo | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Discovery:
        self._spawn(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._close()

    def hints(self, device_id: str) -> tuple[str, ...]:
        """The addresses ("host:port") that a machine of that id has announced."""
        return self._hints.get(short(device_id), ())

    async def find(self, device_id: str, timeout_s: float) -> tuple[str, ...]:
        """Waits until a machine is heard of; empty when it was not in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self.hints(device_id):
                    self._news.clear()
                    await self._news.wait()
        return self.hints(device_id)

    async def _run(self) -> None:
        """Opens the sockets, again after each change of our addresses until it succeeds, and
        tells the new addresses afterwards."""
        self._spawn(self._repeat())
        known = addresses.links()  # what changes during the first greeting is a change
        await self._refresh()
        async for _ in addresses.changes(known):
            await self._refresh()

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(_AGAIN_S)
            if self._missing():
                await self._refresh()

    async def _refresh(self) -> None:
        async with self._refreshing:
            await self._renew(addresses.links())

    async def _renew(self, ours: frozenset[Link]) -> None:
        try:
            if self._zeroconf is None:
                await self._open()
            else:
                await self._zeroconf.async_update_interfaces()
            await self._browse()
            if self._port is not None:
                await self._announce(self._port, ours)
            self.trouble = None
        except Exception as error:  # zeroconf raises of many kinds, from OSError to its own
            self.trouble = f"{type(error).__name__}: {error}"
            _LOG.warning("multicast DNS does not work here: %s", self.trouble)
            await self._close()

    async def _open(self) -> None:
        from zeroconf import InterfaceChoice, IPVersion
        from zeroconf.asyncio import AsyncZeroconf

        try:
            self._zeroconf = AsyncZeroconf(InterfaceChoice.All, ip_version=IPVersion.All)
        except OSError:  # no IPv6 here
            self._zeroconf = AsyncZeroconf(InterfaceChoice.All, ip_version=IPVersion.V4Only)
        await self._zeroconf.zeroconf.async_wait_for_start()

    async def _announce(self, port: int, ours: frozenset[Link]) -> None:
        from zeroconf.asyncio import AsyncServiceInfo

        assert self._zeroconf is not None
        told = AsyncServiceInfo(
            SERVICE,
            f"{self._name}.{SERVICE}",
            port=port,
            addresses=[link.ip.ip.packed for link in sorted(ours)],
            properties={"v": "1"},
            server=f"{self._name}.local.",
        )
        if self._info is None:
            # Names are hashes: whoever else has ours is us, or is found out by TLS.
            sent = await self._zeroconf.async_register_service(told, cooperating_responders=True)
        else:
            sent = await self._zeroconf.async_update_service(told)
        self._info = told
        await sent

    async def _browse(self) -> None:
        """Asks who is there, on all interfaces that there are now."""
        from zeroconf.asyncio import AsyncServiceBrowser

        assert self._zeroconf is not None
        if self._browser is not None:
            await self._browser.async_cancel()
        self._browser = AsyncServiceBrowser(
            self._zeroconf.zeroconf, SERVICE, handlers=[self._changed]
        )

    def _changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        # What was removed stays a hint: a goodbye is as easily faked as a greeting.
        if state_change.name != "Removed" and len(self._tasks) < _TASKS:
            self._spawn(self._resolve(zeroconf, name))

    async def _resolve(self, zeroconf: Zeroconf, name: str) -> None:
        from zeroconf import IPVersion
        from zeroconf.asyncio import AsyncServiceInfo

        who = name.removesuffix(f".{SERVICE}").removeprefix("ls-").lower()
        if len(who) != _SHORT:
            return
        info = AsyncServiceInfo(SERVICE, name)
        if not await info.async_request(zeroconf, 3000) or not info.port:
            return
        hosts = info.parsed_scoped_addresses(IPVersion.All)
        told = tuple(addresses.join(host, info.port) for host in hosts[:_ADDRESSES])
        if not told or (who not in self._hints and len(self._hints) >= _HINTS):
            return
        self._hints[who] = told
        self._news.set()
        if self._found is not None:
            self._found(who, told)

    async def _close(self) -> None:
        zeroconf, self._zeroconf, self._browser, self._info = self._zeroconf, None, None, None
        if zeroconf is not None:
            with contextlib.suppress(Exception):
                await zeroconf.async_unregister_all_services()
            with contextlib.suppress(Exception):
                await zeroconf.async_close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
