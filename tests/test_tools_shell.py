"""`execute_bash`: in daily use, and against commands that try to get out or to do harm."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local_swarm.errors import SandboxUnavailable, ToolError
from local_swarm.tools import probe
from local_swarm.tools.base import AnyTool
from local_swarm.tools.sandbox import Mechanism, Sandbox
from local_swarm.tools.toolset import toolset
from local_swarm.tools.workspace import Workspace

from ._hostile import World, world

HERE = [each for each in Mechanism if (each == "sandbox-exec") == (sys.platform == "darwin")]


@pytest.fixture(scope="module", params=HERE, ids=str)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each mechanism that works on this machine."""
    try:
        return asyncio.run(probe.find((request.param,)))
    except SandboxUnavailable as error:
        pytest.skip(error.message)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "work").mkdir()
    return Workspace(tmp_path / "work")


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


def bash(how: Sandbox | AnyTool, workspace: Workspace, command: str, timeout_s: int = 30) -> str:
    tool = toolset(how)["execute_bash"] if isinstance(how, Sandbox) else how
    call = tool.parse(json.dumps({"command": command, "timeout_s": timeout_s}))
    return asyncio.run(tool.run(call, workspace))


def test_a_command_works_in_the_workspace(sandbox: Sandbox, workspace: Workspace) -> None:
    (workspace.root / "in.txt").write_text("two\none\n")
    assert bash(sandbox, workspace, "sort in.txt > out.txt; pwd; cat out.txt") == (
        f"{workspace.root}\none\ntwo"
    )
    assert (workspace.root / "out.txt").read_text() == "one\ntwo\n"
    assert bash(sandbox, workspace, "true") == "ok"
    assert bash(sandbox, workspace, "echo one; echo two >&2; echo three; exit 3") == (
        "exit status 3\none\ntwo\nthree"
    )
    assert bash(sandbox, workspace, "cat") == "ok"  # nothing to read
    assert "syntax error" in bash(sandbox, workspace, "echo (")
    assert bash(sandbox, workspace, "cat <<'E'\na $b\nE") == "a $b"
    assert bash(sandbox, workspace, "python3 -c 'print(6 * 7)'") == "42"
    assert bash(sandbox, workspace, "printf '\\377 \\000'").startswith("\ufffd \0")
    told = bash(sandbox, workspace, "kill -9 $$")
    assert told in ("error: it was ended by SIGKILL", "exit status 137")


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_works_inside(sandbox: Sandbox, workspace: Workspace) -> None:
    told = bash(
        sandbox,
        workspace,
        "git init -q . && echo x > a && git add . && git -c user.name=a -c user.email=b "
        "commit -q -m first && git log --format=%s && git status --short",
    )
    if sandbox.mechanism is Mechanism.LANDLOCK:  # where chmod is closed
        return
    assert told == "first"


def test_time_is_up_and_what_was_said_is_kept(sandbox: Sandbox, workspace: Workspace) -> None:
    told = bash(sandbox, workspace, "echo begun; sleep 100", timeout_s=1)
    assert told.startswith("error: it was ended after 1 s") and told.endswith("\nbegun")


def test_output_is_cut_in_the_middle(sandbox: Sandbox, workspace: Workspace) -> None:
    told = bash(sandbox, workspace, "seq 100000")
    assert told.startswith("1\n2\n") and told.endswith("\n99999\n100000")
    assert "bytes left out]" in told and len(told) < 17_000


@pytest.mark.parametrize(
    ("command", "why"), [(" ", "is empty"), ("a\0b", "has a NUL"), ("x" * 100_001, "longer than")]
)
def test_what_is_no_command_is_refused(
    sandbox: Sandbox, workspace: Workspace, command: str, why: str
) -> None:
    with pytest.raises(ToolError, match=why):
        bash(sandbox, workspace, command)


def test_without_a_sandbox_there_are_no_commands() -> None:
    assert "execute_bash" not in toolset(None)


# Each prints ESCAPED, or changes the world, if it gets through.
OUT = {
    "reads a secret": "cat {outside}/secret && echo ESCAPED",
    "reads it through a link": "ln -s {outside} l; cat l/secret && echo ESCAPED",
    "links it": "ln {outside}/secret s && cat s && echo ESCAPED",
    "reads it by /proc": "cat /proc/self/root{outside}/secret && echo ESCAPED",
    "reads it by another's root": "cat /proc/{victim}/root{outside}/secret && echo ESCAPED",
    "reads keys": "cat {home}/.ssh/* ~/.ssh/* && echo ESCAPED",
    "reads the home": "cat {home}/.bashrc {home}/.profile {home}/.netrc && echo ESCAPED",
    "reads passwords": "cat /etc/shadow && echo ESCAPED",
    "reads our environment": "tr '\\0' '\\n' < /proc/$PPID/environ | grep PYTEST && echo ESCAPED",
    "reads an environment": "tr '\\0' ' ' < /proc/{victim}/environ | grep VICTIM && echo ESCAPED",
    "reads secrets of the environment": "env | grep -i -e token -e key -e secret && echo ESCAPED",
    "writes outside": "echo x > {outside}/new && echo ESCAPED",
    "writes by dots": "echo x > ../new",
    "copies outside": "cp /bin/true {outside}/new && echo ESCAPED",
    "removes outside": "rm -rf {outside}",
    "empties outside": ": > {outside}/secret && echo ESCAPED",
    "moves outside": "mv {outside}/secret . && echo ESCAPED",
    "changes modes outside": "chmod 777 {outside}/secret && echo ESCAPED",
    "changes the owner outside": "chown 12345 {outside}/secret && echo ESCAPED",
    "changes times outside": "touch -d @1 {outside}/secret && echo ESCAPED",
    "writes its startup files": "echo evil >> {home}/.bashrc && echo ESCAPED",
    "changes the system": "echo x > /usr/bin/evil && echo ESCAPED",
    "changes the settings": "echo x >> /etc/passwd && echo ESCAPED",
    "plans a job": "echo '* * * * * id' | crontab - && echo ESCAPED",
    "plans one for later": "echo id | at now && echo ESCAPED",
    "asks the service manager": "systemd-run --user id && echo ESCAPED",
    "asks docker": "docker ps && echo ESCAPED",
    "connects by TCP": "exec 3<>/dev/tcp/127.0.0.1/{tcp} && echo ESCAPED",
    "sends by UDP": "echo x > /dev/udp/127.0.0.1/{udp} && echo ESCAPED",
    "asks a name server": "getent hosts example.com && echo ESCAPED",
    "asks a name server itself": "echo x > /dev/udp/192.0.2.53/53 && echo ESCAPED",
    "downloads": "curl -sS -m 2 http://127.0.0.1:{tcp} && echo ESCAPED",
    "pings": "ping -c 1 -W 1 127.0.0.1 && echo ESCAPED",
    "connects to a unix socket": (
        "python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"{unix}\")' "
        "&& echo ESCAPED"
    ),
    "signals another": "kill -0 {victim} && echo ESCAPED",
    "kills another": "kill -9 {victim} && echo ESCAPED",
    "kills by name": "pkill -9 -f '^.* victim$'",
    "kills its parent": "kill -9 $PPID; sleep 0.1",
    "traces another": "strace -p {victim} && echo ESCAPED",
    "becomes root": "sudo -n id && echo ESCAPED; su -c id </dev/null && echo ESCAPED",
    "mounts": "mount -t tmpfs none /tmp && echo ESCAPED",
    "changes its root": "chroot / /bin/true && echo ESCAPED",
    "makes namespaces": "unshare -r -n true && echo ESCAPED",
    "enters namespaces": "nsenter -t {victim} -a true && echo ESCAPED",
    "makes a device": "mknod d b 254 0 && echo ESCAPED",
    "reads the disk": "head -c 1 /dev/vda /dev/sda /dev/nvme0n1 /dev/mem && echo ESCAPED",
    "reads the kernel's log": "dmesg && echo ESCAPED",
    "sets the kernel": "echo x > /proc/sys/kernel/core_pattern && echo ESCAPED",
    "leaves a file": "echo x > /tmp/local-swarm-left; echo x > /dev/shm/local-swarm-left",
    "gives itself the owner's rights": "cp /usr/bin/id . && chmod u+s id && echo ESCAPED",
    "types into the terminal": "echo id > /dev/tty && echo ESCAPED",
    "reads input": "read -r line && echo ESCAPED",
}  # fmt: skip


# Those that end what runs beside them: each gets a sandbox of its own.
DEADLY = ("kills by name", "kills its parent")


@pytest.fixture(scope="module")
def results(
    sandbox: Sandbox, around: World, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What each case that leaves the others alone printed, all from one sandbox."""
    folder = tmp_path_factory.mktemp("around")
    (folder / "work").mkdir()
    told = json.loads(around.told)
    script = "".join(
        f"\necho {shlex.quote('@@' + case)}; timeout --foreground 5 "
        f"bash -c {shlex.quote(command.format_map(told))} 2>&1 | tail -c 200"
        for case, command in OUT.items()
        if case not in DEADLY
    )
    output = bash(sandbox, Workspace(folder / "work"), script, 120)
    assert [each.name for each in folder.iterdir()] == ["work"]
    around.check()
    parts = (each.partition("\n") for each in output.split("@@")[1:])
    return {case: text for case, _, text in parts}


@pytest.mark.parametrize("case", [name for name in OUT if name not in DEADLY])
def test_no_command_gets_out(results: dict[str, str], case: str) -> None:
    assert "ESCAPED" not in results[case]
    assert "a secret" not in results[case]


@pytest.mark.parametrize("case", DEADLY)
def test_no_command_ends_what_is_outside(
    sandbox: Sandbox, around: World, workspace: Workspace, case: str
) -> None:
    bash(sandbox, workspace, OUT[case])
    around.check()


def test_no_command_changes_how_the_next_one_runs(sandbox: Sandbox, workspace: Workspace) -> None:
    files = "~/.bashrc ~/.profile ~/.bash_profile .bashrc .profile"
    assert bash(sandbox, workspace, f"for f in {files}; do echo 'echo ESCAPED' > $f; done") == "ok"
    assert "ESCAPED" not in bash(sandbox, workspace, "ls -a ~; bash -i -c true; bash -l -c true")


def test_the_commands_would_get_out_where_nothing_stops_them(
    around: World, workspace: Workspace
) -> None:
    """Those that harm nobody, without a sandbox: else the tests above could not fail."""
    tool = toolset(None, unsafe=True)["execute_bash"]
    for case in (
        "reads a secret",
        "reads it through a link",
        "reads it by /proc",
        "reads it by another's root",
        "reads an environment",
        "signals another",
    ):
        told = bash(tool, workspace, OUT[case].format_map(json.loads(around.told)))
        assert told.endswith("ESCAPED"), case


def marked(mark: str) -> list[int]:
    """Processes of this machine that carry a mark in their command line."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if mark in " ".join(process.info["cmdline"] or ()):
            found.append(process.pid)
    return found


@pytest.fixture(params=["sandbox", "unsafe"])
def tool(request: pytest.FixtureRequest) -> AnyTool:
    """The tool in the best sandbox of this machine, and without one."""
    if request.param == "unsafe":
        return toolset(None, unsafe=True)["execute_bash"]
    try:
        return toolset(asyncio.run(probe.find()))["execute_bash"]
    except SandboxUnavailable as error:
        pytest.skip(error.message)


# Each is ended, and nothing of it is left. `#` gives the process a name to look for.
HARM = {
    "floods": ("yes {mark}", "wrote too much"),
    "writes ten gigabytes": ("head -c 10G /dev/zero; : {mark}", "wrote too much"),
    "sleeps": ("exec -a {mark} sleep 1000", "ended after 1 s"),
    "ignores signals": ("trap '' TERM INT HUP; while :; do sleep 1; done; : {mark}", "ended after"),
    "spins": ("while :; do :; done; : {mark}", "ended after 1 s"),
    "leaves a process behind": ("(exec -a {mark} sleep 1000) & disown; echo left", "left"),
    "leaves a daemon behind": (
        "(exec -a {mark} setsid nohup sleep 1000 >/dev/null 2>&1 &) ; echo left", "left",
    ),
    "leaves one that holds its output": ("(exec -a {mark} sleep 1000) & echo left", "left"),
    "eats memory": ("exec -a {mark} python3 -c 'b = bytearray(9 << 30); b[:] = b' ", "MemoryError"),
}  # fmt: skip


@pytest.mark.parametrize("case", HARM)
def test_no_command_does_harm(
    tool: AnyTool, workspace: Workspace, case: str, tmp_path: Path
) -> None:
    command, told = HARM[case]
    mark = f"harm-{tmp_path.name}"
    assert told in bash(tool, workspace, command.format(mark=mark), 1)
    assert marked(mark) == []


@pytest.mark.parametrize("bomb", [":(){{ :|:& }};: # {mark}", "bash -c '$0 {mark}' $0 & $0 {mark}"])
def test_a_fork_bomb_is_defused(
    sandbox: Sandbox, workspace: Workspace, bomb: str, tmp_path: Path
) -> None:
    """Only in a sandbox, which has the means to end one."""
    mark = f"bomb-{tmp_path.name}-{sandbox.mechanism}"
    bash(sandbox, workspace, bomb.format(mark=mark), 2)
    assert marked(mark) == []


def test_a_large_file_is_cut(tool: AnyTool, workspace: Workspace) -> None:
    bash(tool, workspace, "head -c 300M /dev/zero > big; ls")
    assert (workspace.root / "big").stat().st_size <= 256 * 2**20


def test_deep_folders_do_not_break_what_comes_after(sandbox: Sandbox, workspace: Workspace) -> None:
    dig = "import os\nfor _ in range(1100): os.mkdir('d'); os.chdir('d')"
    command = f'python3 -c "{dig}"; cd ~; python3 -c "{dig}"; echo done'
    try:
        assert bash(sandbox, workspace, command) == "done"
    finally:  # pytest could not
        subprocess.run(["rm", "-rf", str(workspace.root / "d")], check=True)


def test_cancelling_ends_the_command(tool: AnyTool, workspace: Workspace, tmp_path: Path) -> None:
    mark = f"cancel-{tmp_path.name}"

    async def main() -> None:
        call = tool.parse(json.dumps({"command": f"exec -a {mark} sleep 1000"}))
        task = asyncio.create_task(tool.run(call, workspace))
        while not marked(mark):  # noqa: ASYNC110 (a process far away sets no event)
            await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert marked(mark) == []

    asyncio.run(main())


def test_without_a_sandbox_the_environment_is_clean_still(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    monkeypatch.setenv("LOCAL_SWARM_API_KEY", "hidden")
    told = bash(toolset(None, unsafe=True)["execute_bash"], workspace, "env; pwd; exit 4")
    assert told.startswith("exit status 4\n")
    assert "hidden" not in told
    assert f"HOME={os.environ['HOME']}" in told
    assert told.endswith(str(workspace.root))


def test_the_network_opens_when_it_is_wanted(sandbox: Sandbox, workspace: Workspace) -> None:
    tool = toolset(sandbox, network=True)["execute_bash"]
    call = tool.parse('{"command": "echo x > /dev/udp/127.0.0.1/9 && echo sent"}')
    assert "with network" in tool.preview(call, workspace)
    assert asyncio.run(tool.run(call, workspace)) == "sent"
