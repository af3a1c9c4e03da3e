"""Local Swarm itself in the workspace: what is changed there would be run outside the sandbox."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

import local_swarm
from local_swarm.errors import SandboxUnavailable, ToolError, UsageError
from local_swarm.tools import own, probe
from local_swarm.tools.sandbox import Mechanism, Sandbox
from local_swarm.tools.toolset import toolset
from local_swarm.tools.workspace import Workspace

PACKAGE = Path(local_swarm.__file__).resolve().parent
HERE = [each for each in Mechanism if (each == "sandbox-exec") == (sys.platform == "darwin")]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A project with an environment in it, from which we run."""
    library = tmp_path / "work" / ".venv" / "lib" / "local_swarm" / "tools"
    library.mkdir(parents=True)
    (library / "launch.py").write_text("ours\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "work" / ".venv"))
    monkeypatch.syspath_prepend(str(tmp_path / "work" / ".venv" / "lib"))
    return Workspace(tmp_path / "work")


ATTACKS = (
    "echo evil > {0}", "rm -rf .venv", "mv .venv old; mkdir -p $(dirname {0}); echo evil > {0}",
    "echo evil > .venv/lib/rich.py", "echo evil > .venv/sitecustomize.py", "chmod -R 777 .venv",
    "ln -sf /tmp/x {0}", "cp /bin/true .venv/bin/python", "touch -d @1 {0}",
    "mount -o remount,rw .venv; umount -l .venv; echo evil > {0}", "sed -i s/ours/evil/ {0}",
    "ln {0} alias && echo evil > alias", "python3 -c 'open(\"{0}\", \"w\").write(\"evil\")'",
)  # fmt: skip


@pytest.mark.parametrize("mechanism", HERE, ids=str)
def test_no_command_changes_it(workspace: Workspace, mechanism: Mechanism) -> None:
    try:
        tool = toolset(asyncio.run(probe.find((mechanism,))))["execute_bash"]
    except SandboxUnavailable as error:
        pytest.skip(error.message)
    launch = ".venv/lib/local_swarm/tools/launch.py"
    script = "\n".join(f"( {attack.format(launch)} ) 2>/dev/null" for attack in ATTACKS)
    call = tool.parse(json.dumps({"command": f"{script}\ncat {launch}; echo x > new"}))
    if not Sandbox(mechanism).hides:
        with pytest.raises(ToolError, match=r"Local Swarm itself lies in the workspace \(\.venv\)"):
            tool.risk(call, workspace)
        return
    assert asyncio.run(tool.run(call, workspace)).endswith("ours")
    found = sorted(str(each.relative_to(workspace.root)) for each in workspace.root.rglob("*"))
    folders = [".venv", ".venv/lib", ".venv/lib/local_swarm", ".venv/lib/local_swarm/tools"]
    assert found == [*folders, launch, "new"]
    assert (workspace.root / launch).read_text() == "ours\n"
    assert (workspace.root / launch).stat().st_mtime > 1e9


def test_no_tool_changes_it(workspace: Workspace) -> None:
    for path in (".venv/lib/local_swarm/tools/launch.py", ".venv/new", f"{workspace.root}/.venv/x"):
        with pytest.raises(ToolError, match="belongs to Local Swarm itself"):
            workspace.write(path, b"evil", over=None)
    workspace.write("src/ours.py", b"x", over=None)


def test_a_workspace_in_the_program_is_refused_and_one_around_it_is_known() -> None:
    for folder in (PACKAGE, PACKAGE / "tools"):
        with pytest.raises(UsageError, match="belongs to Local Swarm itself"):
            Workspace(folder)
    assert PACKAGE in Workspace(PACKAGE.parent).own


def test_nothing_is_imported_from_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    before = sys.path[2:]
    own.detach(tmp_path.resolve())
    assert sys.path == before
