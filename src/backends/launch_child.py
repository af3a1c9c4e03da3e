"""A child that runs somebody else's server program, and sees to it that it never outlives us.

Run as `python -m local_swarm.backends.launch_child`, with the protocol of llama_child.py. The
configuration has `command`, and `files` and `environment` for it; `{port}`, `{key}` and `{folder}`
in them stand for a free port, the key, and a private folder that holds the files. Our exit code is
the program's; a death by a signal is repeated on ourselves, so that the node learns the cause.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from ..settings import clean_environment

_STOP_S = 2.0


def main() -> NoReturn:
    """Serves until standard input closes or the program ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the node decides when we end
    dying = _die_with_parent()
    dying()
    out = os.dup(1)
    os.dup2(2, 1)  # our standard output carries one line only
    config = json.loads(sys.stdin.buffer.readline() or b"{}")
    with _folder() as folder:
        process, port = _launch(config, folder, dying)
        watch = threading.Thread(target=_end_with_input, args=(process,), daemon=True)
        watch.start()
        if _listens(process, port):
            told = {"url": f"http://127.0.0.1:{port}", "pid": process.pid}
            os.write(out, json.dumps(told).encode() + b"\n")
        code = process.wait()
    _exit(code)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="local-swarm-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _launch(
    config: dict[str, Any], folder: Path, dying: Callable[[], None]
) -> tuple[subprocess.Popen[bytes], int]:
    port = _free_port()

    def filled(text: str) -> str:
        for name, value in (("port", port), ("key", config["key"]), ("folder", folder)):
            text = text.replace("{" + name + "}", str(value))
        return text

    for name, content in config.get("files", {}).items():
        file = folder / name
        file.touch(0o600)
        file.write_text(filled(content), encoding="utf-8")
    more = {name: filled(value) for name, value in config.get("environment", {}).items()}
    try:
        process = subprocess.Popen(
            [filled(word) for word in config["command"]],
            stdin=subprocess.DEVNULL,
            env={**clean_environment(), **more},
            # The threads that might make this unsafe do not run yet.
            preexec_fn=dying if sys.platform == "linux" else None,
        )
    except OSError as error:
        print(f"{config['command'][0]} cannot be run: {error.strerror}", file=sys.stderr)
        _exit(2)
    return process, port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Waits until the program listens; False when it ends before."""
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(0.05)
    return False


def _end_with_input(process: subprocess.Popen[bytes]) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _die_with_parent() -> Callable[[], None]:
    """What makes the kernel end a process with its parent (Linux); nothing elsewhere."""
    if sys.platform != "linux":
        return lambda: None
    import ctypes

    prctl = ctypes.CDLL(None).prctl

    def dying() -> None:
        prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG

    return dying


def _exit(code: int) -> NoReturn:
    sys.stderr.flush()
    if code < 0:  # the program died by a signal
        with contextlib.suppress(OSError, ValueError):
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
