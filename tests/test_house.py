"""The house of DESIGN.md: packages, file sizes, imports, environment, the checkers' link."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import local_swarm

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"
SOURCES = sorted(SRC.rglob("*.py"))
HEAVY = {"fastapi", "uvicorn", "httpx", "xllamacpp", "psutil", "pydantic", "starlette"}


def name_of(path: Path) -> str:
    return path.relative_to(SRC).as_posix()


def environment_uses(tree: ast.AST) -> Iterator[int]:
    """Lines of `os.environ`, `os.getenv` and their kin, imported by name or not."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            used = [node.attr]
        elif isinstance(node, ast.ImportFrom):
            used = [alias.name for alias in node.names]
        else:
            continue
        if names.intersection(used):
            yield node.lineno


def absolute_imports(tree: ast.AST) -> Iterator[int]:
    """Lines that import local_swarm by its name instead of relatively."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [node.module or ""]
        else:
            continue
        if any(module.split(".")[0] == "local_swarm" for module in modules):
            yield node.lineno


def test_every_package_is_installed_and_every_installed_package_exists() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = [path.parent.relative_to(SRC).parts for path in SRC.rglob("__init__.py")]
    assert sorted(listed) == sorted(".".join(("local_swarm", *parts)) for parts in folders)


def test_every_folder_with_code_is_a_package() -> None:
    bare = {path.parent for path in SOURCES if not (path.parent / "__init__.py").is_file()}
    assert not bare


def test_files_that_are_no_code_travel_in_the_wheel() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    told = {
        found
        for package, patterns in setup["package-data"].items()
        for pattern in patterns
        for found in SRC.joinpath(*package.split(".")[1:]).glob(pattern)
    }
    data = {
        path for path in SRC.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert told == data


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_file_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_inside_are_relative(path: Path) -> None:
    assert list(absolute_imports(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_settings_reads_the_environment(path: Path) -> None:
    uses = list(environment_uses(ast.parse(path.read_text(encoding="utf-8"))))
    assert bool(uses) == (name_of(path) == "settings.py"), uses


def test_the_checks_above_see_what_they_look_for() -> None:
    seen = "import os\nos.environ['A']\nos.getenv('A')\nfrom os import environ\n"
    assert list(environment_uses(ast.parse(seen))) == [4, 2, 3]
    seen = "import local_swarm.node\nfrom local_swarm import node\nfrom . import local_swarm\n"
    assert list(absolute_imports(ast.parse(seen))) == [1, 2]


def test_type_checkers_find_the_package_by_one_link() -> None:
    link = ROOT / ".typings" / "local_swarm"
    assert link.is_symlink()
    assert link.readlink() == Path("../src")


def test_help_imports_nothing_heavy() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "local_swarm", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "typer" in imported  # the list is what it seems to be
    assert not imported & HEAVY


def test_the_changelog_and_the_project_tell_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = [line for line in changelog.splitlines() if line.startswith("#")]
    assert any(local_swarm.__version__ in head for head in heads)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == local_swarm.__version__


def test_the_commands_that_only_ask_a_node_do_not_load_the_server() -> None:
    loaded = "import sys, local_swarm.cli.control, local_swarm.cli.ask; print(*sys.modules)"
    made = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert not {"fastapi", "uvicorn", "xllamacpp", "pydantic"} & set(made.stdout.split())
