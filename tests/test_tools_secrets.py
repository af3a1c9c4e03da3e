"""Files of secrets in a workspace: what is taken for one, and that no command reads it."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_swarm.errors import SandboxUnavailable, ToolError
from local_swarm.tools import hidden, probe
from local_swarm.tools.base import AnyTool, Kind
from local_swarm.tools.hidden import secrets_of
from local_swarm.tools.policy import Policy
from local_swarm.tools.sandbox import Mechanism, Sandbox
from local_swarm.tools.sensitive import secret
from local_swarm.tools.toolset import toolset
from local_swarm.tools.workspace import Workspace

HERE = [each for each in Mechanism if (each == "sandbox-exec") == (sys.platform == "darwin")]
HIDES = [each for each in HERE if Sandbox(each).hides]
MARK = "hunter2-"
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{MARK}key\n"
URL = f'[remote "origin"]\n\turl = https://me:{MARK}git@example.org/x\n'

# What may hold a secret, and what is in it.
SECRETS = {
    ".env": "", "conf/prod/.env.local": "", "up/.Env": "", "wide/\uff0eenv": "",
    "soft/.e\u00adnv": "", ".aws/config": "", "a/.ssh/known": "", "conf/key": KEY,
    "plain.txt": "linked", "notes/real.txt": "target", "vault/inner.txt": "target folder",
    ".env~": "", "old/id_rsa.bak": "", "old/#.netrc#": "", "odd/a\nb \"'()$.pem": "",
    ".git-credentials": "", ".git/config": URL, "sub/.git/modules/x/config": URL,
    "node_modules/x/.npmrc": "", "\udcff.key": "",
}  # fmt: skip
OPEN = (
    "notes.txt", "token.py", "__pycache__/token.cpython-312.pyc", "src/credentials.ts",
    ".env.example", "id_rsa.pub", "sub/env",
    ".git/refs/heads/token", "b/.git/config", "node_modules/x/test.key", "docs/keys.md",
    "venv/lib/python3.11/site-packages/certifi/cacert.pem",
)  # fmt: skip


def furnish(root: Path) -> None:
    """Puts all of it there."""
    for at, (name, text) in enumerate(SECRETS.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text == "linked":
            os.link(root / ".env", path)
        else:
            path.write_text(text if MARK in text else f"{MARK}{at}\n")
    for name in OPEN:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("open\n")
    (root / ".netrc").symlink_to("notes/real.txt")
    (root / "a" / ".gnupg").symlink_to(root / "vault")
    (root / ".pgpass").symlink_to("/etc/passwd")  # outside: there is nothing to hide
    (root / ".kube").symlink_to(".")  # not all of it is a secret because a link says so


def bash(tool: AnyTool, workspace: Workspace, command: str) -> str:
    call = tool.parse(json.dumps({"command": command}))
    return asyncio.run(tool.run(call, workspace))


@pytest.fixture(scope="module", params=HIDES, ids=str)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    try:
        return asyncio.run(probe.find((request.param,)))
    except SandboxUnavailable as error:
        pytest.skip(error.message)


def test_they_are_found_and_nothing_else(tmp_path: Path) -> None:
    furnish(tmp_path)
    found = set(secrets_of(Workspace(tmp_path).fence).paths)
    whole = {".aws", "a/.ssh", "vault"}
    files = {name for name in SECRETS if not any(name.startswith(f"{each}/") for each in whole)}
    assert found == whole | files


# Each prints a secret if it gets through; {s} is a file with one, {d} a folder with one.
ATTACKS = {
    "reads": "cat {s} {d}/*",
    "reads all": "grep -ra . .; find . -type f -exec cat {{}} +; tar c . | cat",
    "copies": "cp -r . ~/all; cat ~/all/.env; cp {s} c; cat c; install {s} i; cat i; dd if={s}",
    "moves": "mv {s} m; cat m; mv {d} n; cat n/*",
    "moves what is above": "mv conf elsewhere; cat elsewhere/prod/.env.local",
    "links": "ln {s} h && cat h; ln -s {s} l; cat l; cp -l {s} k; cat k",
    "swaps": "python3 -c 'import ctypes; print(ctypes.CDLL(None).renameat2(-100, b\"{s}\", -100,"
    " b\"notes.txt\", 2))'; cat notes.txt",
    "changes its mode": "chmod 644 {s} {d}; cat {s} {d}/*; chown 1000 {s}; cat {s}",
    "uncovers": "umount {s}; umount -l {d}; unshare -Urm sh -c 'umount {s}; cat {s}'; cat {s}",
    "covers it again": "mount --bind . ~; cat ~/{s}; unshare -m mount --bind . /tmp; cat /tmp/{s}",
    "goes round": "cat /proc/self/cwd/{s} /proc/self/root$PWD/{s} /proc/$$/root$PWD/{s} a/../{s}",
    "by a descriptor": "exec 3<.; cat /proc/self/fd/3/{s} /dev/fd/3/{s}; exec 4<{s} && cat <&4",
    "by a path descriptor": "python3 -c 'import os; f = os.open(\"{s}\", os.O_PATH);"
    " print(open(f\"/proc/self/fd/{{f}}\").read())'",
    "by a handle": "python3 -c 'import ctypes, os; b = ctypes.create_string_buffer(136);"
    " b[0] = 128; m = ctypes.c_int(); l = ctypes.CDLL(None);"
    " l.name_to_handle_at(-100, b\"{s}\", b, ctypes.byref(m), 0);"
    " f = l.open_by_handle_at(os.open(\".\", 0), b, 0); print(os.read(f, 99))'",
    "runs it": ". {s}; bash {s}; python3 {s}; chmod +x {s}; {s}",
    "shells": "read x < {s}; echo $x; echo \"$(<{s})\"; mapfile -t y < {s}; echo $y",
    "git": "git config -f .git/config -l; git diff --no-index /dev/null {s}; git hash-object {s};"
    " git -c core.worktree=. grep --no-index .",
    "as a helper": "git credential-store --file .git-credentials get <<< 'protocol=https'",
    "maps": "python3 -c 'import mmap; f = open(\"{s}\");"
    " print(mmap.mmap(f.fileno(), 0, access=1)[:])'",
    "by the kernel": "cat /proc/self/mountinfo | grep -c env; cat /proc/self/map_files/*",
    "overwrites": "echo x > {s}; : > {s}; rm -rf {s} {d}; truncate -s 0 {s}; sed -i s/a/b/ {s}",
    "removes all": "rm -rf conf old a up",
    "fifo in its place": "rm -f {s}; mkfifo {s}; ln -sf /etc/passwd {s}",
}  # fmt: skip


@pytest.fixture(scope="module")
def attacked(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, dict[str, str]]]:
    """What each attack printed, all by one command."""
    root = tmp_path_factory.mktemp("work")
    furnish(root)
    script = "".join(
        f"\necho {shlex.quote('@@' + name)}; timeout --foreground 5 bash -c "
        f"{shlex.quote(command.format(s='.env', d='.aws'))} 2>&1 | tail -c 300"
        for name, command in ATTACKS.items()
    )
    workspace = Workspace(root)
    told = bash(toolset(sandbox)["execute_bash"], workspace, script)
    parts = (each.partition("\n") for each in told.split("@@")[1:])
    yield workspace, {name: text for name, _, text in parts}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_command_reads_them(attacked: tuple[Workspace, dict[str, str]], name: str) -> None:
    assert MARK not in attacked[1][name]


def test_they_are_where_they_were_and_as_they_were(
    attacked: tuple[Workspace, dict[str, str]],
) -> None:
    root = attacked[0].root
    for at, (name, text) in enumerate(SECRETS.items()):
        if text != "linked":
            assert (root / name).read_text() == (text if MARK in text else f"{MARK}{at}\n"), name
    assert (root / "plain.txt").samefile(root / ".env")


def test_the_next_command_finds_none_of_them_either(sandbox: Sandbox, tmp_path: Path) -> None:
    furnish(tmp_path)
    workspace, tool = Workspace(tmp_path), toolset(sandbox)["execute_bash"]
    bash(tool, workspace, f"rm -f .netrc; {ATTACKS['removes all']}; {ATTACKS['moves']}")
    assert not (tmp_path / "a" / ".gnupg").is_symlink()
    told = bash(tool, workspace, "grep -ra hunter2 . | tail -c 300")
    assert "Permission denied" in told and MARK not in told


def test_a_command_says_what_it_could_not_read_and_works_on(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(MARK)
    (tmp_path / "notes.txt").write_text("milk\n")
    workspace, tool = Workspace(tmp_path), toolset(sandbox)["execute_bash"]
    risk = tool.risk(tool.parse('{"command": "cat .env"}'), workspace)
    assert (risk.kind, risk.exposes) == (Kind.COMMAND, False)
    assert risk.why == "runs a command in a sandbox, which cannot read .env"
    told = bash(tool, workspace, "cat .env")
    assert "Permission denied" in told and "[commands cannot read .env: secrets]" in told
    told = bash(
        tool, workspace, "cat notes.txt; echo a > b; mv b c; echo x > .env.new; cat .env.new"
    )
    assert told == "milk\nx"
    assert MARK in bash(toolset(sandbox, secrets=True)["execute_bash"], workspace, "cat .env")


def test_the_attacks_work_where_nothing_is_hidden(sandbox: Sandbox, tmp_path: Path) -> None:
    """Else the tests above could not fail."""
    furnish(tmp_path)
    tool = toolset(sandbox, secrets=True)["execute_bash"]
    for name in ("reads", "reads all", "copies", "goes round", "by a path descriptor", "shells",
                 "maps", "links", "moves"):  # fmt: skip
        command = ATTACKS[name].format(s=".env", d=".aws") + " 2>/dev/null | tail -c 3000"
        assert MARK in bash(tool, Workspace(tmp_path), command), name


def test_where_they_cannot_be_hidden_a_person_must_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(MARK)
    workspace = Workspace(tmp_path)
    landlock = Sandbox(Mechanism.LANDLOCK)
    tool = toolset(landlock)["execute_bash"]
    call = tool.parse('{"command": "ls"}')
    risk = tool.risk(call, workspace)
    assert (risk.kind, risk.exposes) == (Kind.SECRET, True)
    assert "CAN READ .env" in risk.why and "cannot hide" in risk.why
    told = toolset(landlock, secrets=True)["execute_bash"].risk(call, workspace)
    assert (told.kind, told.exposes) == (Kind.COMMAND, True)
    bare = toolset(None, unsafe=True)["execute_bash"].risk(call, workspace)
    assert (bare.kind, bare.exposes) == (Kind.COMMAND, True) and "CAN READ .env" in bare.why
    with pytest.raises(SandboxUnavailable, match="cannot hide"):
        asyncio.run(landlock.run(["true"], Policy(tmp_path, hidden=(tmp_path / ".env",))))
    monkeypatch.setattr(hidden, "_MOST", 0)
    many = toolset(Sandbox(Mechanism.NAMESPACES))["execute_bash"].risk(call, workspace)
    assert many.kind is Kind.SECRET and "too many" in many.why


def test_a_huge_folder_is_looked_through_up_to_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(20):
        (tmp_path / f"{at:02}").write_text(KEY)
    (tmp_path / ".env").write_text("")
    fence = Workspace(tmp_path).fence
    monkeypatch.setattr(hidden, "_LOOKED_INTO", 5)
    found = secrets_of(fence)
    assert found.names_only and len(found.paths) in (5, 6) and ".env" in found.paths
    tool = toolset(Sandbox(Mechanism.NAMESPACES))["execute_bash"]
    assert "too many files" in tool.risk(tool.parse('{"command": "ls"}'), Workspace(tmp_path)).why
    monkeypatch.setattr(hidden, "_ENTRIES", 10)
    with pytest.raises(ToolError, match="more than 10 files"):
        secrets_of(fence)


def test_a_link_with_such_a_name_asks_for_reading_too(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text(MARK)
    (tmp_path / ".env").symlink_to("real.txt")
    tools, workspace = toolset(None), Workspace(tmp_path)
    for name, words in (("read_file", {}), ("write_file", {"content": "x"})):
        call = tools[name].parse(json.dumps({"path": ".env", **words}))
        assert tools[name].risk(call, workspace).kind is Kind.SECRET


@pytest.mark.parametrize(
    "name", [".env~", "#.env#", ".env.swp", "id_rsa.old", "server.key.bak", "server.key~"]
)
def test_what_editors_leave_behind_is_a_secret_too(name: str) -> None:
    assert secret(name) and not secret("notes.txt~")
