"""A supervised child process: started, watched, started again, and never left over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..errors import EngineUnavailable

_QUICK_DEATHS = 3  # so many deaths without a ready engine between them, and we give up
_STOP_S = 3.0
_NO_MEMORY = ("insufficient memory", "failed to allocate", "out of memory", "cannot allocate")


class Child:
    """Runs `python -m module`, hands it `config` on standard input, and keeps it alive.

    The child prints one JSON line once it listens and exits when its standard input closes, so
    it cannot outlive us, not even when we are killed. `check` is awaited with that line; when it
    returns, the child is ready.
    """

    def __init__(
        self,
        module: str,
        config: Mapping[str, Any],
        environment: Mapping[str, str],
        check: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        self.state = "loading"
        self.restarts = 0
        self.generation = 0
        self.why: str | None = None
        self._module, self._config, self._check = module, config, check
        self._environment = dict(environment)
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

        Raises EngineUnavailable when there will be none.
        """
        async with self._changed:
            await self._changed.wait_for(
                lambda: (
                    self.state in ("failed", "stopped")
                    or (self.state == "ready" and self.generation > after)
                )
            )
        if self.state != "ready":
            raise EngineUnavailable(
                f"The engine is not running: {self.why or self.state}.",
                hint="Start the node again; `run --demo` tells whether the model is at fault.",
            )
        return self.generation

    async def close(self) -> None:
        """Stops the child and waits for its end."""
        await self._set("stopped")
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _supervise(self) -> None:
        deaths = 0
        while deaths < _QUICK_DEATHS:
            try:
                was_ready = await self._run_once()
            finally:
                await self._end()
            deaths = 1 if was_ready else deaths + 1
            self.why = self._reason()
            if not was_ready and self._hopeless():
                break
            self.restarts += 1
            await self._set("restarting")
            await asyncio.sleep(0.05 if deaths == 1 else 0.5 * deaths)
        await self._set("failed")

    async def _run_once(self) -> bool:
        """One life of the child, to its end. True if it was ready in between."""
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
            await asyncio.wait((birth, death), return_when=asyncio.FIRST_COMPLETED)
            ready = birth.done() and not birth.cancelled() and birth.exception() is None
            if ready:
                self.generation += 1
                await self._set("ready")
                await death
            elif birth.done() and (fault := birth.exception()):
                await asyncio.wait((death,), timeout=1)
                if not death.done():  # else its own last words say more
                    self._errors.append(str(fault))
            return ready
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
        with contextlib.suppress(ValueError):  # a line beyond the stream's limit
            while line := await stream.readline():
                self._errors.append(line.decode("utf-8", "replace").strip())

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
        if lines:
            return lines[-1].rstrip(".")
        return f"it was ended by signal {-code}" if code and code < 0 else f"it ended with {code}"

    def _hopeless(self) -> bool:
        """A child that ended by itself before it was ready will do the same again."""
        code = self._process.returncode if self._process else None
        return code in (2, 3) or (code is not None and -code == getattr(signal, "SIGILL", None))

    async def _set(self, state: str) -> None:
        async with self._changed:
            if self.state != "stopped":
                self.state = state
            self._changed.notify_all()
