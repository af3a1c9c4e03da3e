"""Ends an engine that hangs without dying: its supervisor then starts it again.

An engine may stop in many ways with its process alive: it is stopped by a signal, its working
thread has died or waits for ever, its device does not come back. None of them is seen by asking
/health, which a thread of its own answers. What is watched is what callers want: parts of answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from .care import Care
from .process import Child
from .pulse import Pulse

_LOG = logging.getLogger("local_swarm.engine")
_LEAST_WORK = 0.02  # of one core: an idle process needs less to answer our heartbeats


class Watchdog:
    """Watches `child` while calls wait for it, and unloads it when none came for `care.idle_s`.

    `busy` asks the engine's working loop how many sequences it works on; None where an engine has
    no such question, and its parts of answers and the work of its processes must do.
    """

    def __init__(
        self, child: Child, pulse: Pulse, care: Care, busy: Callable[[], Awaitable[int]] | None
    ) -> None:
        self._child, self._pulse, self._busy = child, pulse, busy
        self._patience, self._idle_s = care.patience, care.idle_s
        self._life: tuple[int, int | None] = (0, None)
        self._silence = self._lifeless = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to watch."""
        self._task = asyncio.create_task(self._run(), name="watchdog")

    async def close(self) -> None:
        """Ends the watch."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            if self._pulse.calls:
                await self._guard()
            elif self._idle_s is None or self._child.state != "ready":
                await self._pulse.news()
            else:
                await self._rest(self._idle_s)

    async def _rest(self, idle_s: float) -> None:
        """Waits for a call, and unloads the engine where none comes."""
        try:
            async with asyncio.timeout(idle_s):
                await self._pulse.news()
        except TimeoutError:
            if not self._pulse.calls:
                await self._child.rest()

    async def _guard(self) -> None:
        """Returns when no call waits any more; a hanging engine is ended before. What was silent
        for one caller still is for the next one."""
        patience, clock = self._patience, asyncio.get_running_loop().time
        most = patience.look_s + patience.heartbeat_s  # of one look: we too may have been stopped
        worked: float | None = None
        if self._silence >= patience.suspect_s:
            worked = await asyncio.to_thread(_work, self._child.pid)
        while self._pulse.calls:
            started = clock()
            await asyncio.sleep(patience.look_s)
            if self._life != (life := (self._pulse.beats, self._child.pid)):
                self._life, self._silence, self._lifeless = life, 0.0, 0.0
                continue
            if not self._pulse.calls:
                return
            if self._silence < patience.suspect_s:
                self._silence += min(clock() - started, most)
                if self._silence >= patience.suspect_s:  # not before: it looks at all processes
                    worked = await asyncio.to_thread(_work, self._child.pid)
                continue
            if beating := await self._beats():
                self._silence = patience.suspect_s
            now = await asyncio.to_thread(_work, self._child.pid)
            passed = min(clock() - started, most)
            self._silence += passed
            least = _LEAST_WORK * passed
            if beating or now is None or worked is None or abs(now - worked) > least:
                self._lifeless = 0.0
            else:
                self._lifeless += passed
            worked = now
            if self._lifeless >= patience.hung_s or self._silence >= patience.stuck_s:
                self._end()

    async def _beats(self) -> bool:
        """Whether the working loop says that it works on something."""
        if self._busy is None or self._child.state != "ready":
            return False
        with contextlib.suppress(Exception):  # any other answer is none
            async with asyncio.timeout(self._patience.heartbeat_s):
                return await self._busy() > 0
        return False

    def _end(self) -> None:
        why = f"it hung: no sign of life for {self._silence:.0f} s"
        self._silence = self._lifeless = 0.0
        _LOG.error("an engine is ended: %s", why)
        self._child.kill(why)


def _work(pid: int | None) -> float | None:
    """Processor seconds that the process and its children have used; None when nobody can tell, or
    when they wait for a disk, which is work too."""
    import psutil

    if pid is None:
        return None
    try:
        main = psutil.Process(pid)
        family = [main, *main.children(recursive=True)]
        if any(one.status() == psutil.STATUS_DISK_SLEEP for one in family):
            return None
        times = [one.cpu_times() for one in family]
    except psutil.Error:
        return None
    return float(sum(time.user + time.system for time in times))
