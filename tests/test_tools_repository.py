"""What git and its kin run by themselves: no command leaves anything there."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.errors import ToolError
from local_swarm.tools import repository
from local_swarm.tools.fence import Fence
from local_swarm.tools.gitconfig import harmless, obeyed, settings

CORE = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
EVIL = "#!/bin/sh\ntouch evil\n"
Acts = Callable[[Path], object]


def repo(root: Path, name: str = ".git") -> Path:
    """A repository as `git init` makes it, as far as git looks."""
    git = root / name
    for each in ("objects", "refs", "hooks"):
        (git / each).mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(CORE)
    (git / "hooks" / "pre-commit.sample").write_text("#!/bin/sh\n")
    return git


def put(path: Path, text: str = EVIL) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def moved(root: Path) -> None:
    (root / ".git").rename(root / "old")
    put(repo(root) / "hooks" / "pre-commit")


def linked(root: Path) -> None:
    put(repo(root, "evil") / "hooks" / "pre-commit")
    shutil.rmtree(root / ".git")
    (root / ".git").symlink_to("evil")


def config_linked(root: Path) -> None:
    put(root / "settings", "[core]\n\tfsmonitor = ./evil.sh\n")
    (root / ".git" / "config").unlink()
    (root / ".git" / "config").symlink_to("../settings")


def hooks_linked(root: Path) -> None:
    shutil.rmtree(root / ".git/hooks")
    (root / ".git/hooks").symlink_to("../scripts")


def hidden(root: Path) -> None:
    put(repo(root / ".git" / "objects", "ab") / "hooks" / "post-checkout")
    put(root / "sub" / ".git", "gitdir: ../.git/objects/ab\n")


def worktree(root: Path) -> None:
    common = root / "common"
    (common / "objects").mkdir(parents=True)
    (common / "refs").mkdir()
    put(common / "hooks" / "post-checkout")
    put(root / "w" / ".git", "gitdir: ../tree\n")
    put(root / "tree" / "HEAD", "ref: refs/heads/main\n")
    put(root / "tree" / "commondir", "../common\n")


# What a command does; each leaves something that git (or hg) would run.
ATTACKS: dict[str, Acts] = {
    "adds a hook": lambda root: put(root / ".git/hooks/pre-commit"),
    "changes a hook": lambda root: put(root / ".git/hooks/post-merge"),
    "makes a hook executable": lambda root: (root / ".git/hooks/commit-msg").chmod(0o755),
    "links a hook": lambda root: (root / ".git/hooks/pre-push").symlink_to("../../evil.sh"),
    "links the folder of hooks": hooks_linked,
    "sets a folder of hooks": lambda root: add(root / ".git/config", "\thooksPath = scripts\n"),
    "sets it in capitals": lambda root: add(root / ".git/config", "[CORE]\nHOOKSPATH = scripts\n"),
    "sets it on one line": lambda root: add(root / ".git/config", "[core] hooksPath = scripts\n"),
    "sets it on two lines": lambda root: add(root / ".git/config", "hooksPath = \\\nscripts\n"),
    "sets a monitor": lambda root: add(root / ".git/config", "\tfsmonitor = ./evil.sh\n"),
    "sets an editor": lambda root: add(root / ".git/config", "\teditor = ./evil.sh\n"),
    "sets a pager": lambda root: add(root / ".git/config", "[pager]\n\tlog = ./evil.sh\n"),
    "sets an alias": lambda root: add(root / ".git/config", "[alias]\n\tst = !./evil.sh\n"),
    "sets ssh": lambda root: add(root / ".git/config", "\tsshCommand = ./evil.sh\n"),
    "sets a filter": lambda root: add(root / ".git/config", '[filter "x"]\n\tclean = ./evil.sh\n'),
    "sets a helper": lambda root: add(root / ".git/config", "[credential]\n\thelper = !evil\n"),
    "sets a remote program": lambda root: add(
        root / ".git/config", '[remote "o"]\n\turl = ext::sh -c evil\n'
    ),
    "sets an upload program": lambda root: add(
        root / ".git/config", '[remote "o"]\n\tuploadpack = ./evil.sh\n'
    ),
    "includes a file": lambda root: add(root / ".git/config", "[include]\n\tpath = ../evil\n"),
    "includes one if": lambda root: add(
        root / ".git/config", '[includeIf "gitdir:/"]\n\tpath = ../evil\n'
    ),
    "changes an included file": lambda root: put(root / "shared.ini", "[core]\nfsmonitor = x\n"),
    "adds a hook to a folder that was set": lambda root: put(root / "githooks/pre-commit"),
    "links the settings": config_linked,
    "sets one for a worktree": lambda root: put(
        root / ".git/config.worktree", "[core]\n\tfsmonitor = x\n"
    ),
    "moves the repository away and makes another": moved,
    "links the repository": linked,
    "makes a repository in a subfolder": lambda root: put(repo(root / "sub") / "hooks/pre-commit"),
    "makes a bare one": lambda root: put(repo(root, "bare") / "hooks/post-receive"),
    "makes one in a folder named ~": lambda root: put(repo(root / "~") / "hooks/pre-commit"),
    "makes one in a folder named by a space": lambda root: put(
        repo(root / " ") / "hooks/pre-commit"
    ),
    "makes one in node_modules": lambda root: put(
        repo(root / "node_modules" / "x") / "hooks/pre-commit"
    ),
    "makes one that is called like a folder of hooks": lambda root: add(
        repo(root, ".husky") / "config", "\tfsmonitor = ./evil.sh\n"
    ),
    "makes a submodule": lambda root: put(
        repo(root / ".git" / "modules", "m") / "hooks/post-checkout"
    ),
    "makes a worktree": worktree,
    "hides a repository among objects": hidden,
    "hides a setting behind megabytes": lambda root: add(
        root / ".git/config", "#\n" * (17 << 20) + "\tfsmonitor = ./evil.sh\n"
    ),
    "changes a folder that is known for hooks": lambda root: put(root / ".githooks/pre-commit"),
    "changes another one": lambda root: put(root / ".husky/_/pre-commit"),
    "makes a repository of another kind": lambda root: put(
        root / ".hg" / "hgrc", "[hooks]\nupdate = ./evil.sh\n"
    ),
}


def world(root: Path) -> Fence:
    git = repo(root)
    put(git / "hooks" / "post-merge", "#!/bin/sh\necho mine\n")
    put(git / "hooks" / "commit-msg", "#!/bin/sh\necho mine\n")
    (git / "hooks" / "commit-msg").chmod(0o644)
    repo(root / "lib")
    add(
        root / "lib/.git/config",
        "\teditor = vim\n\thooksPath = ../githooks\n[include]\n\tpath = ../../shared.ini\n",
    )
    put(root / "githooks" / "post-merge", "#!/bin/sh\necho mine\n")
    put(root / "shared.ini", "[user]\n\tname = me\n")
    put(root / "scripts" / "pre-commit", "#!/bin/sh\necho mine\n")
    put(root / "evil.sh", "#!/bin/sh\ntouch evil\n")
    return Fence.around(root)


def command(fence: Fence, act: Acts) -> list[str]:
    async def main() -> list[str]:
        async with repository.guarded(fence) as notes:
            act(fence.root)
        return notes

    return asyncio.run(main())


def programs(root: Path) -> dict[str, tuple[bytes, int]]:
    """What git would run or obey here, found in another way than the guard does."""
    found = {}
    folders = ("hooks", "githooks", ".githooks", "_")
    for path in root.rglob("*"):
        hook = path.parent.name in folders and path.suffix != ".sample"
        setting = path.name in ("config", "config.worktree", "hgrc", "shared.ini")
        if path.is_file() and (hook or setting):
            mode = path.stat().st_mode & 0o111 if hook else 0
            found[path.relative_to(root).as_posix()] = (path.read_bytes(), mode)
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_git_runs_is_put_back(attack: str, tmp_path: Path) -> None:
    fence = world(tmp_path)
    before = programs(tmp_path)
    notes = command(fence, ATTACKS[attack])
    assert notes and all(each.endswith("commands may not change what git runs]") for each in notes)
    after = programs(tmp_path)
    known = {*before.values(), (CORE.encode(), 0)}  # elsewhere, where their folder was moved
    assert {path: after[path] for path in after if after[path] not in known} == {}
    assert all(after[path] == before[path] for path in after if path in before)
    assert (tmp_path / "scripts" / "pre-commit").read_text() == "#!/bin/sh\necho mine\n"
    assert command(fence, lambda root: None) == []


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
@pytest.mark.parametrize("attack", ["adds a hook", "sets a folder of hooks", "sets a monitor"])
def test_git_itself_runs_nothing_afterwards(attack: str, tmp_path: Path) -> None:
    def git(*words: str) -> None:
        clean = {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.defpath}
        who = ("-c", "user.name=a", "-c", "user.email=b")
        command = ["git", *who, *words]
        subprocess.run(command, cwd=root, env=clean, check=True, capture_output=True)

    root = tmp_path / "work"
    root.mkdir()
    git("init", ".")
    put(root / "evil.sh")
    put(root / "scripts" / "pre-commit")
    fence = Fence.around(root)
    assert command(fence, ATTACKS[attack])
    git("add", ".")
    git("commit", "-m", "x")
    assert not (root / "evil").exists()
    ATTACKS[attack](root)  # and the attack is one
    git("add", ".")
    git("commit", "--allow-empty", "-m", "y")
    assert (root / "evil").exists()


HARMLESS: dict[str, Acts] = {
    "names the user": lambda root: add(root / ".git/config", "[user]\n\tname = a b\n"),
    "adds a remote": lambda root: add(
        root / ".git/config",
        '[remote "origin"]\n\turl = https://a.example/b.git\n\tfetch = +refs/*:refs/remotes/*\n',
    ),
    "follows a branch": lambda root: add(
        root / ".git/config", '[branch "main"]\n\tremote = origin\n\tmerge = refs/heads/main\n'
    ),
    "commits": lambda root: put(root / ".git/refs/heads/main", "0" * 40),
    "makes a repository": lambda root: repo(root / "new"),
    "removes its hooks": lambda root: shutil.rmtree(root / ".git" / "hooks"),
    "removes the repository": lambda root: shutil.rmtree(root / "lib"),
    "moves a repository with hooks": lambda root: (root / "lib").rename(root / "vendor"),
    "changes scripts": lambda root: put(root / "scripts" / "pre-commit", "new"),
    "makes a folder called hooks": lambda root: put(root / "src" / "hooks" / "use.js", "x"),
}


@pytest.mark.parametrize("act", HARMLESS)
def test_what_harms_nobody_is_let_be(act: str, tmp_path: Path) -> None:
    fence = world(tmp_path)
    assert command(fence, HARMLESS[act]) == []


def test_a_command_that_is_cancelled_is_looked_after_too(tmp_path: Path) -> None:
    fence = world(tmp_path)

    async def main() -> None:
        async with repository.guarded(fence):
            put(tmp_path / ".git" / "hooks" / "pre-commit")
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert not (tmp_path / ".git" / "hooks" / "pre-commit").exists()


def test_nothing_outside_is_touched_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    fence = world(tmp_path / "work")
    theirs = repo(tmp_path / "theirs")
    put(theirs / "hooks" / "pre-commit", "theirs")

    def act(root: Path) -> None:
        shutil.rmtree(root / ".git" / "hooks")
        (root / ".git" / "hooks").symlink_to(theirs / "hooks")

    assert command(fence, act)
    assert not (tmp_path / "work" / ".git" / "hooks").is_symlink()
    assert (theirs / "hooks" / "pre-commit").read_text() == "theirs"


def test_what_cannot_be_looked_through_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fence = world(tmp_path)
    monkeypatch.setattr(repository, "_MOST", 3)
    with pytest.raises(ToolError, match="more than 3 files"):
        command(fence, lambda root: None)


def test_a_tree_deeper_than_a_path_is_refused(tmp_path: Path) -> None:
    fence = world(tmp_path)
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("x" * 250, dir_fd=folder)
        deeper = os.open("x" * 250, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = deeper
    os.close(folder)
    with pytest.raises(ToolError, match="nested too deeply"):
        command(fence, lambda root: None)


@given(st.text())
def test_settings_are_read_or_refused(text: str) -> None:
    settings(text)
    obeyed(text)
    assert harmless(text, text)


def test_only_what_is_new_must_be_harmless() -> None:
    mine = "[core]\n\teditor = vim\n"
    assert harmless(mine, mine + "[user]\n\tname = a\n")
    assert not harmless(mine, mine + "\tpager = less\n")
    assert not harmless(mine, "[core]\n\teditor = evil\n")
    odd = '[core] hooksPath = "a b" ; mine\n[alias]\n\tx = "!f() { \\\n}; f"\n[include]\n\tPath=c\n'
    assert obeyed(odd) == [("hooks", "a b"), ("include", "c")]
    assert not harmless("[user]\n\tname = a\n", "[core]\n\tname = a\n\teditor = a\n")
