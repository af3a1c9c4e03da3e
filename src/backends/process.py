"""A supervised child process: started, watched, started again, and never left over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..errors import EngineUnavailable
from .care import Backoff, Record
from .pulse import Pulse

_LOG = logging.getLogger("local_swarm.engine")
_LATER = "It is tried again in a while; `local-swarm status` tells when it is back."
_STOP_S = 2.0
_LONGEST = 1 << 16  # bytes of a line on standard error that are kept
_NO_MEMORY = (
    "insufficient memory", "failed to allocate", "out of memory", "cannot allocate", "bad_alloc",
)  # fmt: skip
_NO_THREADS = "resource temporarily unavailable"  # as C++ says it when a thread cannot be started


class Child:
    """Runs `python -m module`, hands it `config` on standard input, and keeps it alive.

    The child prints one JSON line once it listens and exits when its standard input closes, so
    it cannot outlive us, not even when we are killed. `check` is awaited with that line; when it
    returns, the child is ready. `pulse` hears that it is waited for. `state` is loading, ready,
    restarting, idle (unloaded, the next caller loads it again), crashing (taken out for a while
    because it only comes up to die again), failed or stopped.
    """

    def __init__(
        self,
        module: str,
        config: Mapping[str, Any],
        environment: Mapping[str, str],
        check: Callable[[dict[str, Any]], Awaitable[None]],
        *,
        pulse: Pulse | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.state = "loading"
        self.restarts = 0
        self.generation = 0
        self.why: str | None = None
        self._module, self._config, self._check = module, config, check
        self._environment = dict(environment)
        self._pulse = pulse or Pulse()
        self._deaths = Record(backoff or Backoff())
        self._resting = False
        self._killed: str | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._errors: deque[str] = deque(maxlen=30)

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def start(self) -> None:
        """Starts the child and returns when it is ready. Raises EngineUnavailable."""
        self._task = asyncio.create_task(self._supervise(), name=f"supervise {self._module}")
        await self.ready()

    async def ready(self, after: int = 0) -> int:
        """Waits until a child later than generation `after` is ready; returns its generation.

        Raises EngineUnavailable when there will be none soon.
        """
        async with self._changed:
            if self.state == "idle":
                self.state = "loading"
                self._changed.notify_all()
            await self._changed.wait_for(
                lambda: (
                    self.state in ("crashing", "failed", "stopped")
                    or (self.state == "ready" and self.generation > after)
                )
            )
        if self.state == "crashing":
            raise EngineUnavailable(f"The engine keeps dying: {self.why}.", hint=_LATER)
        if self.state != "ready":
            raise EngineUnavailable(
                f"The engine is not running: {self.why or self.state}.",
                hint="Start the node again; `run --demo` tells whether the model is at fault.",
            )
        return self.generation

    def kill(self, why: str) -> None:
        """Ends the child at once, as if it had died of `why`; it is started again."""
        if self._process and self._process.returncode is None:
            self._killed = why
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def rest(self) -> None:
        """Ends the child until the next call of `ready`, which starts it again: no death."""
        if self.state == "ready":
            self._resting = True
            await self._end()

    async def close(self) -> None:
        """Stops the child and waits for its end."""
        await self._set("stopped")
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _supervise(self) -> None:
        while True:
            answers = self._pulse.answers
            try:
                lived_s = await self._run_once()
            finally:
                await self._end()
            if self._resting:
                self._resting = False
                await self._sleep()
                continue
            self.why = self._killed or self._reason()
            self._killed = None
            wait = self._deaths.died(lived_s, self._pulse.answers > answers)
            if wait is None or (not self.generation and self._hopeless()):
                break
            self.restarts += 1
            _LOG.warning("an engine died: %s; death %d, again in %.2f s",
                         self._told(), self.restarts, wait)  # fmt: skip
            if self._deaths.crashing:
                self.why = f"{self.why} ({self._deaths.row} times in a row, soon after its start)"
                await self._set("crashing")
            else:
                await self._set("restarting")
            await asyncio.sleep(wait)
            await self._set("restarting")
        _LOG.error("an engine is given up: %s", self._told())
        await self._set("failed")

    async def _sleep(self) -> None:
        """Unloaded until `ready` is called."""
        async with self._changed:
            if self.state != "stopped":
                self.state = "idle"
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self.state == "loading")

    async def _run_once(self) -> float | None:
        """One life of the child, to its end. For how many seconds it was ready; None if never."""
        self._errors.clear()
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,  # a Ctrl-C in our terminal is ours to handle
        )
        assert process.stdin and process.stdout and process.stderr
        reader = asyncio.create_task(self._read_errors(process.stderr))
        death = asyncio.create_task(process.wait())
        birth = asyncio.create_task(self._birth(process.stdin, process.stdout))
        try:
            with self._pulse.call():
                await asyncio.wait((birth, death), return_when=asyncio.FIRST_COMPLETED)
                if birth.done() and not birth.exception():
                    self.generation += 1
                    await self._set("ready")
            if self.state == "ready":
                born = time.monotonic()
                await death
                return time.monotonic() - born
            if birth.done() and (fault := birth.exception()):
                await asyncio.wait((death,), timeout=1)
                if not death.done():  # else its own last words say more
                    self._errors.append(str(fault))
            return None
        finally:
            birth.cancel()
            await asyncio.gather(birth, return_exceptions=True)
            await self._end()
            await asyncio.gather(reader, death, return_exceptions=True)

    async def _birth(self, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader) -> None:
        stdin.write(json.dumps(self._config).encode() + b"\n")
        await stdin.drain()
        line = await stdout.readline()
        if not line:
            raise EngineUnavailable("the engine ended before it listened")
        await self._check(json.loads(line))

    async def _read_errors(self, stream: asyncio.StreamReader) -> None:
        """Reads on whatever comes: a child that may not write waits for ever."""
        rest = b""
        while chunk := await stream.read(1 << 13):
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[-_LONGEST:]
            self._errors += [line.decode("utf-8", "replace").strip() for line in lines]
        self._errors.append(rest.decode("utf-8", "replace").strip())

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except (TimeoutError, asyncio.CancelledError) as stop:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if isinstance(stop, asyncio.CancelledError):
                raise

    def _reason(self) -> str:
        code = self._process.returncode if self._process else None
        if code is not None and -code == getattr(signal, "SIGILL", None):
            return "this processor lacks instructions that the engine was built for (AVX2)"
        lines = [line for line in self._errors if line]
        if any(word in line.lower() for line in lines for word in _NO_MEMORY):
            return "there is not enough memory for it"
        if any(_NO_THREADS in line.lower() for line in lines):
            return "the system gives it no more memory or threads (see ulimit -a)"
        if lines:
            return lines[-1].rstrip(".")
        return f"it was ended by signal {-code}" if code and code < 0 else f"it ended with {code}"

    def _told(self) -> str:
        """For the log: our own words only. What an engine prints may quote a prompt."""
        code = self._process.returncode if self._process else None
        return f"signal {-code}" if code and code < 0 else f"exit code {code}"

    def _hopeless(self) -> bool:
        """A child that ended by itself before it was ready will do the same again."""
        code = self._process.returncode if self._process else None
        return code in (2, 3) or (code is not None and -code == getattr(signal, "SIGILL", None))

    async def _set(self, state: str) -> None:
        async with self._changed:
            if self.state != "stopped":
                self.state = state
            self._changed.notify_all()
