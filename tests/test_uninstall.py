"""What is asked before models and settings go, and that nothing else goes with them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def asked(home: Path, *arguments: Path | str, answer: str | None = None) -> str:
    """What `python -m local_swarm.uninstall` says; without an answer nobody sits there."""
    ours, theirs = os.openpty() if answer is not None else (None, None)
    if ours is not None and answer is not None:
        os.write(ours, f"{answer}\n".encode() if answer else b"\x04")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "local_swarm.uninstall", *map(str, arguments)],
            env={**os.environ, "LOCAL_SWARM_HOME": str(home), "HOME": str(home)},
            stdin=theirs if theirs is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        for handle in (ours, theirs):
            if handle is not None:
                os.close(handle)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Models, and the environment that the installer removes by itself."""
    home = tmp_path / "hö me"
    (home / "models" / "owner").mkdir(parents=True)
    (home / "models" / "owner" / "a.gguf").write_bytes(bytes(3 << 20))
    (home / "venv").mkdir()
    (home / "elsewhere").symlink_to(tmp_path)
    (tmp_path / "precious").touch()
    return home


@pytest.mark.parametrize(("answer", "kept"), [("y", False), ("n", True), ("", True), (None, True)])
def test_models_go_only_where_somebody_says_so(home: Path, answer: str | None, kept: bool) -> None:
    said = asked(home, home / "venv", answer=answer)
    assert ("too? [y/N]" in said) == (answer is not None)
    assert "3 MiB" in said
    assert (home / "models").exists() == kept and (home / "venv").exists()
    assert (home.parent / "precious").exists()


def test_an_empty_folder_is_not_asked_about(home: Path) -> None:
    assert asked(home / "venv", answer="y") == ""
