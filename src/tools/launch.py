"""The program that stands between us and a sandboxed command: fences it in, watches it, ends it.

It is started by sandbox.py as a fresh interpreter (nothing is forked from a process with
threads), reads one JSON line from standard input, and writes one to the descriptor `report`:
{"status": wait status, "ended": why} or {"error": text}. When standard input closes, because
the run was cancelled or we died, it ends every process of the sandbox. It imports only its
neighbours that import nothing of ours.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any, NoReturn

from . import landlock, namespaces, native, seccomp, watch

_TICK_S, _LOOK_S = 0.01, 0.05
_LINUX = sys.platform == "linux"


def main() -> None:
    """One sandboxed command from first to last."""
    spec = json.loads(sys.stdin.buffer.readline())
    report = int(spec["report"])
    os.set_inheritable(report, False)
    try:
        told = _run(spec)
    except Exception as error:  # whatever it is, the caller must hear of it
        told = {"error": f"{type(error).__name__}: {error}"}
    os.write(report, json.dumps(told).encode())


def _run(spec: dict[str, Any]) -> dict[str, Any]:
    faults, faults_in = os.pipe()
    if _LINUX:
        native.prctl(native.PR_SET_CHILD_SUBREAPER, 1)  # orphans come to us, and stay in sight
    if spec["mechanism"] == "namespaces":
        namespaces.enter(network=spec["network"])
    with contextlib.suppress(PermissionError):
        os.nice(-5)  # only root may: a fork bomb must not keep us from seeing it
    child = os.fork()
    if child == 0:
        first = _first if spec["mechanism"] == "namespaces" else _command
        _guarded(first, spec, faults_in)
    os.close(faults_in)
    # ours would keep the pipes open after the command has ended
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    ended = _watch(child, spec["limits"])
    _kill(child)
    _, status = os.waitpid(child, 0)
    _bury()
    told = os.read(faults, 4096).decode(errors="replace")
    if told.startswith("status "):
        status = int(told.removeprefix("status "))
    elif told and ended == "exit":
        return {"error": told}
    return {"status": status, "ended": ended}


def _watch(child: int, limits: dict[str, Any]) -> str:
    """Waits for the child's end (it stays a zombie), or for a reason to end it: which one."""
    deadline = time.monotonic() + limits["seconds"]
    watched = [0, *([os.pidfd_open(child)] if _LINUX else [])]
    calm, looked = watch.tasks() if _LINUX else 0, time.monotonic()
    while True:
        ready = select.select(watched, [], [], _TICK_S)[0]
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return "exit"
        if 0 in ready:
            return "cancelled"
        if time.monotonic() > deadline:
            return "time"
        if not _LINUX:
            continue
        # A look at every process takes milliseconds, a fork bomb too: the number of all tasks of
        # the machine, which costs nothing, says when not to wait.
        tasks = watch.tasks()
        if tasks > calm + limits["processes"] // 2 or time.monotonic() > looked + _LOOK_S:
            used = watch.below(os.getpid()).values()
            if sum(threads for threads, _ in used) > limits["processes"] + 2:  # init, bubblewrap
                return "processes"
            if sum(memory for _, memory in used) > limits["memory"]:
                return "memory"
            calm, looked = tasks, time.monotonic()


def _kill(child: int) -> None:
    """SIGKILL to the child and to its group: one step, which no fork can slip through."""
    for kill in (os.killpg, os.kill):
        # PermissionError: macOS, where the whole group is zombies
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)


def _bury() -> None:
    """Ends and reaps what the child left behind; returns when nothing is left."""
    while True:
        for process in watch.below(os.getpid()) if _LINUX else ():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _guarded(stage: Any, spec: dict[str, Any], faults: int) -> NoReturn:
    """Runs a stage that does not return; what it raises goes up the pipe."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, max(5, os.getpriority(os.PRIO_PROCESS, 0)))
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # when memory runs out, it is this that goes
        stage(spec, faults)
    except BaseException as error:
        os.write(faults, f"{type(error).__name__}: {error}".encode()[:4000])
    os._exit(126)


def _first(spec: dict[str, Any], faults: int) -> NoReturn:
    """Process id 1 of the namespace: builds the root, starts the command, buries the dead.

    When it exits, the kernel kills every process that is left in the namespace.
    """
    native.prctl(native.PR_SET_PDEATHSIG, signal.SIGKILL)
    native.prctl(native.PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # without handlers nobody inside can reach us
    limits = spec["limits"]
    namespaces.build_root(
        spec["read"],
        spec["write"],
        spec["links"],
        spec["held"],
        spec["hidden"],
        spec["fixed"],
        limits["scratch"],
        limits["processes"],
    )
    child = os.fork()
    if child == 0:
        _guarded(_command, spec, faults)
    os.closerange(0, faults)
    while True:
        done, status = os.wait()
        if done == child:
            os.write(faults, f"status {status}".encode())
            os._exit(0)


def _command(spec: dict[str, Any], faults: int) -> NoReturn:
    """Puts every fence on this process and becomes the command."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0, inheritable=True)
    keep = {faults}
    program, arguments = spec["argv"][0], spec["argv"]
    _limit(spec["limits"])
    if spec["mechanism"] in ("none", "sandbox-exec"):
        os.chdir(spec["folder"])
    elif sys.platform == "linux":
        arguments = _fence(spec, keep)
        program = arguments[0]
    if spec["mechanism"] == "sandbox-exec":
        arguments = ["/usr/bin/sandbox-exec", "-p", spec["profile"], *arguments]
        program = arguments[0]
    for before, after in itertools.pairwise((2, *sorted(keep), 1 << 20)):
        os.closerange(before + 1, after)
    os.execvpe(program, arguments, spec["environment"])
    raise AssertionError("exec returned")


def _fence(spec: dict[str, Any], keep: set[int]) -> list[str]:
    """Capabilities, Landlock and seccomp; returns the arguments of the command."""
    bound = not spec["root"]
    if spec["mechanism"] == "bubblewrap":
        filtered = os.memfd_create("filter", 0)
        os.write(filtered, seccomp.build(network=spec["network"], shared=False, bound=bound))
        os.lseek(filtered, 0, os.SEEK_SET)
        keep.add(filtered)
        return [*spec["bubblewrap"], "--seccomp", str(filtered), "--", *spec["argv"]]
    os.chdir(spec["folder"])
    native.prctl(native.PR_SET_NO_NEW_PRIVS, 1)
    native.drop_capabilities()
    shared = spec["mechanism"] == "landlock"
    if shared:
        native.prctl(native.PR_SET_PDEATHSIG, signal.SIGKILL)
    version = landlock.abi()
    if version:
        inside = [] if shared else ["/"]
        private = [] if shared else ["/tmp", "/dev/shm"]
        landlock.restrict(
            [*inside, *spec["read"]],
            [*private, *spec["write"], *(f"/dev/{name}" for name in ("null", "zero", "full"))],
            network=spec["network"],
            version=version,
        )
    leader = os.getpid() if shared and version < 6 else None
    made = seccomp.build(network=spec["network"], shared=shared, bound=bound, leader=leader)
    seccomp.install(made)
    arguments: list[str] = spec["argv"]
    return arguments


def _limit(limits: dict[str, Any]) -> None:
    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": limits["cpu_seconds"],
        "RLIMIT_DATA": limits["memory"],
        "RLIMIT_AS": limits["address_space"],
        "RLIMIT_FSIZE": limits["file_size"],
        "RLIMIT_NOFILE": limits["open_files"],
        "RLIMIT_NPROC": limits["user_processes"],  # does not bind root: see _watch
        "RLIMIT_MSGQUEUE": 0,
    }
    for name, most in wanted.items():
        which = getattr(resource, name, None)
        if which is None or most is None:
            continue
        _, hard = resource.getrlimit(which)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(which, (most, most))
        except (ValueError, OSError):
            if name not in ("RLIMIT_DATA", "RLIMIT_AS"):  # macOS has them in name only
                raise
