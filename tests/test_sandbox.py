"""The sandbox in daily use: what works inside, limits, output, and how everything is ended."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from local_swarm.errors import SandboxUnavailable, UsageError
from local_swarm.tools import probe, system
from local_swarm.tools.output import Kept
from local_swarm.tools.policy import Ended, Limits, MiB, Outcome, Policy
from local_swarm.tools.sandbox import Mechanism, Sandbox

HERE = [each for each in Mechanism if (each == "sandbox-exec") == (sys.platform == "darwin")]
PYTHON, NEEDS = system.interpreter()


@pytest.fixture(scope="module", params=HERE, ids=str)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each mechanism that works on this machine."""
    try:
        return asyncio.run(probe.find((request.param,)))
    except SandboxUnavailable as error:
        pytest.skip(error.message)


def shell(sandbox: Sandbox, command: str, policy: Policy | None = None) -> Outcome:
    return asyncio.run(sandbox.run(["/bin/sh", "-c", command], policy or Policy()))


def python(sandbox: Sandbox, source: str, limits: Limits, folder: Path | None = None) -> Outcome:
    command = [str(PYTHON), "-I", "-S", "-c", textwrap.dedent(source)]
    return asyncio.run(sandbox.run(command, Policy(folder, readable=NEEDS, limits=limits)))


def marked(mark: str) -> list[int]:
    """Processes of this machine that carry a mark in their command line, no zombies."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if mark in " ".join(process.info["cmdline"] or ()):
            found.append(process.pid)
    return found


def gone(mark: str) -> bool:
    return not marked(mark)


def test_a_command_works_in_its_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("one\ntwo\n")
    done = shell(sandbox, "sort -r in.txt | tee out.txt; mkdir d; pwd; exit 3", Policy(tmp_path))
    assert (done.status, done.ended, done.ok) == (3, Ended.EXIT, False)
    assert done.stdout.decode() == f"two\none\n{tmp_path.resolve()}\n"
    assert (tmp_path / "out.txt").read_text() == "two\none\n"
    assert (tmp_path / "d").is_dir()


def test_files_made_inside_belong_to_us(sandbox: Sandbox, tmp_path: Path) -> None:
    assert shell(sandbox, "touch mine", Policy(tmp_path)).ok
    assert (tmp_path / "mine").stat().st_uid == os.geteuid()


def test_the_environment_is_clean(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    done = shell(sandbox, "env; cd $HOME && echo x > f && cat f", Policy(environment={"A": "b"}))
    lines = set(done.stdout.decode().split())
    names = {line.partition("=")[0] for line in lines}
    assert names <= {"PATH", "LANG", "HOME", "TMPDIR", "A", "PWD", "SHLVL", "_", "OLDPWD", "x"}
    assert {"A=b", "x"} <= lines


def test_without_a_folder_the_scratch_is_gone_afterwards(sandbox: Sandbox) -> None:
    done = shell(sandbox, "mkdir -p a/b && echo x > a/b/c && pwd && mkdir -m 0 shut")
    assert done.ok
    folder = Path(done.stdout.decode().strip())
    assert folder == Path("/tmp") or not folder.exists()


def test_readable_folders_cannot_be_changed(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    policy = Policy(readable=(tmp_path,))
    assert shell(sandbox, f"cat {tmp_path}/f", policy).stdout == b"x"
    assert not shell(sandbox, f"echo y > {tmp_path}/f", policy).ok
    assert not shell(sandbox, f"echo y > {tmp_path}/g", policy).ok
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("f", "x")]


def test_a_signal_inside_shows_as_negative_status(sandbox: Sandbox) -> None:
    assert shell(sandbox, "kill -TERM $$").status in (-15, 143)


def test_an_unknown_program_is_an_error_not_a_crash(sandbox: Sandbox) -> None:
    run = sandbox.run(["/no/such/program"], Policy())
    if sandbox.mechanism is Mechanism.BUBBLEWRAP:  # which says so itself
        assert b"/no/such/program" in asyncio.run(run).stderr
        return
    with pytest.raises(SandboxUnavailable, match="FileNotFoundError"):
        asyncio.run(run)


@pytest.mark.parametrize("folder", ["/", "/no/such/folder"])
def test_a_bad_workspace_is_refused(sandbox: Sandbox, folder: str) -> None:
    with pytest.raises(UsageError):
        shell(sandbox, "true", Policy(Path(folder)))


def test_output_keeps_head_and_tail(sandbox: Sandbox) -> None:
    done = shell(sandbox, "seq 100000; echo done >&2", Policy(limits=Limits(output=100)))
    head, tail = done.stdout.split(b"\n[")
    assert head == b"".join(b"%d\n" % n for n in range(1, 99))[:50]
    assert tail.endswith(b"bytes left out]\n" + done.stdout[-50:])
    assert done.stdout.endswith(b"99999\n100000\n")
    assert done.stderr == b"done\n"
    assert done.dropped == 588895 - 100


def test_endless_output_is_ended(sandbox: Sandbox) -> None:
    done = shell(sandbox, "yes", Policy(limits=Limits(seconds=60, flood=MiB)))
    assert (done.ended, done.status) == (Ended.OUTPUT, None)


def test_time_is_up(sandbox: Sandbox) -> None:
    done = shell(sandbox, "echo begun; sleep 1000", Policy(limits=Limits(seconds=0.5)))
    assert (done.ended, done.status, done.stdout) == (Ended.TIME, None, b"begun\n")


def test_processor_time_is_limited(sandbox: Sandbox) -> None:
    done = python(sandbox, "while True: pass", Limits(seconds=60, cpu_seconds=1))
    assert done.status in (-9, -24, 137, 152)


def test_a_large_file_is_cut(sandbox: Sandbox, tmp_path: Path) -> None:
    source = "open('big', 'wb').write(bytes(9 << 20))"
    done = python(sandbox, source, Limits(file_size=MiB), tmp_path)
    assert not done.ok
    assert (tmp_path / "big").stat().st_size <= MiB


def test_one_process_cannot_take_all_memory(sandbox: Sandbox) -> None:
    done = python(sandbox, "x = bytearray(400 << 20)", Limits(memory=128 * MiB))
    assert b"MemoryError" in done.stderr


def test_many_processes_cannot_take_all_memory(sandbox: Sandbox) -> None:
    source = """
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                x = bytearray(b"x" * (40 << 20))
                time.sleep(60)
        time.sleep(60)
    """
    done = python(sandbox, source, Limits(seconds=50, memory=128 * MiB))
    assert done.ended is Ended.MEMORY


def test_shared_memory_counts(sandbox: Sandbox) -> None:
    source = """
        import mmap, time
        x = mmap.mmap(-1, 300 << 20)
        for at in range(0, 300 << 20, 4096): x[at] = 1
        time.sleep(60)
    """
    done = python(sandbox, source, Limits(seconds=50, memory=128 * MiB))
    assert done.ended is Ended.MEMORY


@pytest.mark.parametrize("bomb", ["while True: os.fork()", "while True: os.fork() or os.setsid()"])
def test_a_fork_bomb_is_defused(sandbox: Sandbox, bomb: str, tmp_path: Path) -> None:
    mark = f"bomb-{tmp_path.name}-{sandbox.mechanism}"
    source = f"import os\n{bomb}  # {mark}"
    done = python(sandbox, source, Limits(seconds=2, processes=20))
    assert not done.ok
    assert gone(mark)


DAEMON = """
    import os, sys, time
    mark = {mark!r}
    if os.fork() == 0:
        try:
            os.setsid()
        except OSError:
            pass
        if os.fork() == 0:
            os.close(1)
            os.close(2)
            time.sleep(600)
        os._exit(0)
    os.wait()
    print("daemon left", flush=True)
    {then}
"""


@pytest.mark.parametrize("then", ["", "time.sleep(600)"], ids=["it exits", "it is ended"])
def test_no_daemon_survives(sandbox: Sandbox, then: str, tmp_path: Path) -> None:
    mark = f"daemon-{tmp_path.name}"
    done = python(sandbox, DAEMON.format(mark=mark, then=then), Limits(seconds=2))
    assert done.stdout == b"daemon left\n"
    assert done.ended is (Ended.TIME if then else Ended.EXIT)
    assert gone(mark)


async def running(mark: str) -> None:
    """Returns once the daemon and its parent run."""
    while len(marked(mark)) < 2:  # noqa: ASYNC110 (a process far away sets no event)
        await asyncio.sleep(0.05)


def test_cancelling_ends_everything(sandbox: Sandbox, tmp_path: Path) -> None:
    mark = f"cancel-{tmp_path.name}"

    async def main() -> None:
        source = textwrap.dedent(DAEMON.format(mark=mark, then="time.sleep(600)"))
        command = [str(PYTHON), "-I", "-S", "-c", source]
        task = asyncio.create_task(sandbox.run(command, Policy(readable=NEEDS)))
        await running(mark)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # an impatient caller
        with pytest.raises(asyncio.CancelledError):
            await task
        assert gone(mark)

    asyncio.run(main())


@pytest.mark.parametrize("who", ["us", "the launcher"])
def test_it_ends_when_we_are_killed(sandbox: Sandbox, who: str, tmp_path: Path) -> None:
    mark = f"orphan-{tmp_path.name}"
    source = textwrap.dedent(DAEMON.format(mark=mark, then="time.sleep(600)"))
    ours = f"""
import asyncio
from pathlib import Path
from local_swarm.tools.sandbox import Sandbox, Mechanism
from local_swarm.tools.policy import Policy
command = [{str(PYTHON)!r}, "-I", "-S", "-c", {source!r}]
policy = Policy(readable=tuple(map(Path, {tuple(map(str, NEEDS))!r})))
asyncio.run(Sandbox(Mechanism({str(sandbox.mechanism)!r})).run(command, policy))
"""
    if who == "the launcher" and sandbox.mechanism is not Mechanism.NAMESPACES:
        pytest.skip("only a process namespace makes up for a dead launcher at once")
    script = tmp_path / "ours.py"
    script.write_text(ours)
    process = psutil.Popen([sys.executable, str(script)], stderr=-3)
    try:
        wait_for(lambda: len(marked(mark)) >= 2)
        target = process if who == "us" else process.children()[0]
        target.kill()
        wait_for(lambda: gone(mark))
    finally:
        process.kill()
        process.wait()


def wait_for(what: Callable[[], bool]) -> None:
    """Until it is so; the test's own time limit is the limit."""
    while not what():
        time.sleep(0.05)


def test_many_at_once(sandbox: Sandbox) -> None:
    async def main() -> list[Outcome]:
        return await asyncio.gather(
            *(sandbox.run(["/bin/echo", str(n)], Policy()) for n in range(5))
        )

    assert [done.stdout for done in asyncio.run(main())] == [b"%d\n" % n for n in range(5)]


def test_the_network_opens_on_demand(sandbox: Sandbox) -> None:
    source = """
        import socket
        listener = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(listener.getsockname())
        client.send(b"x"); print(listener.accept()[0].recv(1))
        try: socket.socket(socket.AF_UNIX)
        except OSError: print("no unix socket")
    """
    command = [str(PYTHON), "-I", "-S", "-c", textwrap.dedent(source)]
    done = asyncio.run(sandbox.run(command, Policy(readable=NEEDS, network=True)))
    assert done.stdout == b"b'x'\nno unix socket\n"


def test_no_core_is_dumped(sandbox: Sandbox, tmp_path: Path) -> None:
    assert shell(sandbox, "kill -ABRT $$", Policy(tmp_path)).status in (-6, 134)
    assert list(tmp_path.iterdir()) == []


def test_the_report_says_what_holds_and_what_does_not() -> None:
    found = asyncio.run(probe.report())
    assert (found.mechanism is None) == found.filesystem.startswith("nothing")
    wrong = Mechanism.SANDBOX_EXEC if sys.platform == "linux" else Mechanism.LANDLOCK
    none = asyncio.run(probe.report((wrong,)))
    assert none.mechanism is None
    assert none.refused == ((wrong, "it belongs to another system"),)
    with pytest.raises(SandboxUnavailable, match="another system"):
        asyncio.run(probe.find((wrong,)))


def test_kept_output_is_whole_up_to_its_limit() -> None:
    kept = Kept(Limits(output=10))
    for byte in b"0123456789":
        kept.add(bytes([byte]))
    assert (kept.bytes(), kept.dropped) == (b"0123456789", 0)
    kept.add(b"ab")
    assert (kept.bytes(), kept.dropped) == (b"01234\n[2 bytes left out]\n789ab", 2)
