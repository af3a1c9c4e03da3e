"""The tools for files in daily use: what they do, what they say, what they keep."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.errors import ToolError, UsageError
from local_swarm.swarm.canonical.side_effect import side_effect
from local_swarm.tools.atomic import File
from local_swarm.tools.base import Kind, wire
from local_swarm.tools.diff import diff
from local_swarm.tools.glob import Glob
from local_swarm.tools.result import LARGEST, result
from local_swarm.tools.toolset import toolset
from local_swarm.tools.visible import unmistakable, visible
from local_swarm.tools.workspace import Workspace
from training.demo.template import TOOLS as TRAINED

TOOLS = toolset(None, unsafe=True)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "work").mkdir()
    return Workspace(tmp_path / "work", backups=tmp_path / "state" / "backups")


def do(workspace: Workspace, tool: str, **arguments: Any) -> str:
    call = TOOLS[tool].parse(json.dumps(arguments))
    TOOLS[tool].risk(call, workspace)
    TOOLS[tool].preview(call, workspace)
    return asyncio.run(TOOLS[tool].run(call, workspace))


def fails(workspace: Workspace, tool: str, **arguments: Any) -> str:
    with pytest.raises(ToolError) as caught:
        do(workspace, tool, **arguments)
    return caught.value.result


def preview(workspace: Workspace, tool: str, **arguments: Any) -> str:
    return TOOLS[tool].preview(TOOLS[tool].parse(json.dumps(arguments)), workspace)


def kind(workspace: Workspace, tool: str, **arguments: Any) -> Kind:
    return TOOLS[tool].risk(TOOLS[tool].parse(json.dumps(arguments)), workspace).kind


def test_the_tools_are_those_that_the_demo_model_learned() -> None:
    told = {name: tuple(tool.schema["properties"]) for name, tool in TOOLS.items()}
    assert list(told.items()) == list(TRAINED.items())


def test_all_descriptions_together_are_short() -> None:
    told = json.dumps([wire(tool) for tool in TOOLS.values()])
    assert len(told) / 4 <= 600  # about four characters a token
    for tool in TOOLS.values():
        jsonschema.Draft202012Validator.check_schema(dict(tool.schema))


def test_a_vote_knows_which_of_them_change_something() -> None:
    for name, tool in TOOLS.items():
        assert side_effect(name, wire(tool)) is tool.changes


def test_reading(workspace: Workspace) -> None:
    (workspace.root / "a.txt").write_text("one\ntwo\nthree\n")
    (workspace.root / "empty").write_text("")
    (workspace.root / "windows.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo")
    assert do(workspace, "read_file", path="a.txt") == "one\ntwo\nthree"
    assert do(workspace, "read_file", path=f"{workspace.root}/a.txt", max_lines=9) == (
        "one\ntwo\nthree"
    )
    assert do(workspace, "read_file", path="./a.txt", start_line=2, max_lines=1) == (
        "two\n[lines 2 to 2 of 3; go on with start_line 3]"
    )
    assert do(workspace, "read_file", path="a.txt", start_line=3) == "three\n[lines 3 to 3 of 3]"
    assert do(workspace, "read_file", path="empty") == "[the file is empty]"
    assert do(workspace, "read_file", path="windows.txt") == "one\ntwo"
    assert fails(workspace, "read_file", path="a.txt", start_line=4) == (
        "error: a.txt has only 3 lines."
    )
    assert fails(workspace, "read_file", path="b.txt") == "error: b.txt not found."
    assert fails(workspace, "read_file", path=".") == "error: . is a folder, not a file."


def test_a_long_file_is_read_in_parts_that_make_the_whole(workspace: Workspace) -> None:
    lines = [f"line {number} {'x' * (number % 90)}" for number in range(1, 1200)]
    (workspace.root / "long").write_text("\n".join(lines) + "\n")
    read: list[str] = []
    while len(read) < len(lines):
        told = do(workspace, "read_file", path="long", start_line=len(read) + 1)
        assert len(told) <= LARGEST + 100
        read += told.split("\n")[:-1]
    assert read == lines


def test_a_long_line_is_shown_with_head_and_tail(workspace: Workspace) -> None:
    (workspace.root / "long").write_text("a" * 50_000 + "z" + "\nnext")
    told = do(workspace, "read_file", path="long")
    assert told.endswith("z\n[lines 1 to 1 of 2; go on with start_line 2]")
    assert "bytes left out" in told and len(told) < LARGEST + 200


def test_writing_makes_folders_and_keeps_mode_mark_and_line_ends(workspace: Workspace) -> None:
    assert do(workspace, "write_file", path="a/b/c.txt", content="é\n") == (
        "wrote 3 bytes to a/b/c.txt"
    )
    assert (workspace.root / "a/b/c.txt").read_bytes() == "é\n".encode()
    old = workspace.root / "old.sh"
    old.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    old.chmod(0o750)
    do(workspace, "write_file", path="old.sh", content="three\nfour\n")
    assert old.read_bytes() == b"\xef\xbb\xbfthree\r\nfour\r\n"
    assert stat.S_IMODE(old.stat().st_mode) == 0o750
    assert do(workspace, "write_file", path="old.sh", content="three\nfour\n") == (
        "old.sh has this content already"
    )
    assert {each.name for each in workspace.root.iterdir()} == {"a", "old.sh"}


def test_editing(workspace: Workspace) -> None:
    path = workspace.root / "a.py"
    path.write_bytes(b"a = 1\r\nb = 2\r\nb = 3\n")
    path.chmod(0o640)
    assert do(workspace, "edit_file", path="a.py", old="a = 1\nb = 2", new="c\nd") == "edited a.py"
    assert path.read_bytes() == b"c\r\nd\r\nb = 3\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert "is not in a.py" in fails(workspace, "edit_file", path="a.py", old="x", new="y")
    assert "is empty" in fails(workspace, "edit_file", path="a.py", old="", new="y")
    assert "the same" in fails(workspace, "edit_file", path="a.py", old="c", new="c")
    path.write_text("xx\nxxx\n")
    told = fails(workspace, "edit_file", path="a.py", old="xx", new="y")
    assert "is 3 times in a.py (lines 1, 2, 2)" in told
    assert path.read_text() == "xx\nxxx\n"
    assert fails(workspace, "edit_file", path="no", old="x", new="y") == "error: no not found."


def test_what_is_no_text_is_not_shown_and_not_edited(workspace: Workspace) -> None:
    (workspace.root / "image").write_bytes(b"\x89PNG\0\0")
    (workspace.root / "latin").write_bytes(b"caf\xe9 x")
    assert "is binary (6 bytes)" in fails(workspace, "read_file", path="image")
    assert "is binary" in fails(workspace, "edit_file", path="image", old="P", new="Q")
    assert do(workspace, "read_file", path="latin") == "caf\ufffd x"
    assert "no UTF-8" in fails(workspace, "edit_file", path="latin", old="x", new="y")
    assert preview(workspace, "write_file", path="image", content="x\n") == (
        "replace image\n-[6 bytes that are no text]\n+x\n"
    )
    do(workspace, "write_file", path="image", content="x")
    assert workspace.undo() == ["image: put back"]
    assert (workspace.root / "image").read_bytes() == b"\x89PNG\0\0"


def test_undo_puts_everything_back_the_last_first(workspace: Workspace) -> None:
    (workspace.root / "a").write_text("first")
    (workspace.root / "a").chmod(0o600)
    do(workspace, "write_file", path="a", content="second")
    do(workspace, "edit_file", path="a", old="second", new="third")
    do(workspace, "write_file", path="new/deep/b", content="x")
    do(workspace, "write_file", path="c", content="x")
    (workspace.root / "c").write_text("somebody else's")
    (workspace.root / "a").unlink()
    assert workspace.undo() == [
        "c: left alone: it was changed since.",
        "new/deep/b: removed",
        "a: put back",
        "a: put back",
    ]
    assert (workspace.root / "a").read_text() == "first"
    assert stat.S_IMODE((workspace.root / "a").stat().st_mode) == 0o600
    assert {each.name for each in workspace.root.iterdir()} == {"a", "c"}
    assert workspace.undo() == ["c: left alone: it was changed since."]


def test_backups_are_for_their_owner_and_their_workspace(
    workspace: Workspace, tmp_path: Path
) -> None:
    (workspace.root / "a").write_text("first")
    do(workspace, "write_file", path="a", content="second")
    kept = tmp_path / "state" / "backups"
    assert {stat.S_IMODE(each.stat().st_mode) for each in kept.iterdir()} == {0o600}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a").write_text("second")
    other = Workspace(tmp_path / "other", backups=kept)
    assert other.undo() == [f"a: it belongs to {workspace.root}, left alone"]
    with pytest.raises(UsageError, match="inside the workspace"):
        Workspace(workspace.root, backups=workspace.root / "backups")


def test_a_failed_write_leaves_everything_as_it_was(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.root / "a").write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)  # a full disk, as late as it can be noticed
    assert "No space left" in fails(workspace, "write_file", path="a", content="new")
    monkeypatch.undo()
    assert (workspace.root / "a").read_text() == "old"
    assert [each.name for each in workspace.root.iterdir()] == ["a"]
    assert workspace.undo() == []


def test_listing_and_globs(workspace: Workspace) -> None:
    assert do(workspace, "list_files") == "[the folder is empty]"
    for name in ("b.py", "a.txt", "src/c.py", "src/deep/d.py", "node_modules/e.py"):
        (workspace.root / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace.root / name).write_text("x")
    assert do(workspace, "list_files") == "a.txt\nb.py\nnode_modules/\nsrc/"
    assert do(workspace, "list_files", path="src") == "src/c.py\nsrc/deep/"
    assert do(workspace, "list_files", path="b.py") == "b.py"
    skipped = "\n[not looked into: node_modules]"
    everywhere = "b.py\nsrc/c.py\nsrc/deep/d.py"
    assert do(workspace, "list_files", glob="*.py") == everywhere + skipped
    assert do(workspace, "list_files", glob="src/*.py") == "src/c.py" + skipped
    assert do(workspace, "list_files", path="src", glob="**/*.{py,js}") == (
        "src/c.py\nsrc/deep/d.py"
    )
    assert do(workspace, "list_files", path="src", glob="*.rs") == "no matches"
    assert "not found" in fails(workspace, "list_files", path="nowhere")


@given(st.text("ab/.", max_size=8), st.text("ab*?/[]{},.", max_size=12))
def test_a_glob_never_fails_and_a_plain_one_is_a_name(path: str, pattern: str) -> None:
    Glob(pattern).matches(path)
    if path and "/" not in path and "[" not in path:
        assert Glob(path).matches(f"a/{path}")


def test_a_long_list_says_how_much_it_left_out(workspace: Workspace) -> None:
    for number in range(400):
        (workspace.root / f"{number:03}{'x' * 100}").touch()
    lines = do(workspace, "list_files").split("\n")
    assert lines[-1] == f"[{400 - len(lines) + 1} more: name a subfolder or a glob]"


def test_searching(workspace: Workspace) -> None:
    (workspace.root / "src").mkdir()
    (workspace.root / "src" / "a.py").write_text("import os\n  x = call(1)\n")
    (workspace.root / "b.txt").write_text("nothing\nimport os\n")
    (workspace.root / "image").write_bytes(b"import os\0")
    (workspace.root / ".env").write_text("import os")
    hidden = "\n[1 files that may hold secrets were not searched]"
    found = "b.txt:2: import os\nsrc/a.py:1: import os"
    assert do(workspace, "search_files", pattern="import os") == found + hidden
    assert do(workspace, "search_files", pattern=r"^import \w+$", path=".") == found + hidden
    assert do(workspace, "search_files", pattern="call(", path="src") == "src/a.py:2: x = call(1)"
    assert do(workspace, "search_files", pattern="call", path="src/a.py") == (
        "src/a.py:2: x = call(1)"
    )
    assert do(workspace, "search_files", pattern="absent", path="src") == "no matches"
    assert "not found" in fails(workspace, "search_files", pattern="x", path="nowhere")
    assert "is empty" in fails(workspace, "search_files", pattern="")


def test_a_preview_shows_all_that_will_be_done(workspace: Workspace) -> None:
    (workspace.root / "a").write_text("".join(f"{number}\n" for number in range(1, 31)))
    (workspace.root / "link").symlink_to("a")
    told = preview(workspace, "edit_file", path="link", old="15\n", new="fifteen")
    assert told == (
        "edit a (asked for as link)\n@@ line 12 @@\n 12\n 13\n 14\n"
        "-15\n-16\n+fifteen16\n 17\n 18\n 19\n"
    )
    assert preview(workspace, "write_file", path="new", content="x") == (
        "new file new\n+x  (no line end)\n"
    )
    assert not (workspace.root / "new").exists()
    evil = "rm -rf x #\r\x1b[2Kls\n\u202eecho"
    assert preview(workspace, "execute_bash", command=evil).startswith(
        "$ rm -rf x #\\r\\x1b[2Kls\n  \\u202eecho\n(in "
    )


lines = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30)


@given(lines, lines)
def test_a_diff_leads_from_one_text_to_the_other(before: list[str], after: list[str]) -> None:
    old, new = ("".join(f"{line}\n" for line in each) for each in (before, after))
    out: list[str] = []
    at = 0
    for line in diff(old, new).splitlines():
        if line.startswith("@@ line "):
            start = int(line.split()[2]) - 1
            out += before[at:start]
            at = start
        elif line.startswith("+"):
            out.append(line[1:])
        else:
            assert before[at] == line[1:]
            at += 1
            out += [line[1:]] if line.startswith(" ") else []
    assert out + before[at:] == after


@given(st.text())
def test_what_is_visible_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = visible(text)
    assert all(c in "\n\t" or c.isprintable() or c.isspace() for c in shown)
    assert visible(shown) == shown


@given(st.text(), st.integers(0, 200))
def test_a_result_is_never_longer_than_its_share(text: str, repeated: int) -> None:
    assert len(result(text * repeated, 500).encode("utf-8", "replace")) <= 3 * 500 + 200


def test_consent_is_asked_by_what_a_call_really_reaches(workspace: Workspace) -> None:
    for name in ("a.txt", ".env", "id_rsa", ".env.example", "keys/server.pem"):
        (workspace.root / name).parent.mkdir(exist_ok=True)
        (workspace.root / name).write_text("x")
    (workspace.root / "key.txt").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    (workspace.root / "notes.txt").symlink_to(".env")
    reading = {
        name: kind(workspace, "read_file", path=name)
        for name in ("a.txt", ".env.example", ".env", "id_rsa", "keys/server.pem", "key.txt",
                     "notes.txt", "keys/../.env")
    }  # fmt: skip
    assert [name for name, each in reading.items() if each is Kind.READ] == [
        "a.txt",
        ".env.example",
    ]
    assert set(reading.values()) == {Kind.READ, Kind.SECRET}
    assert kind(workspace, "write_file", path="a.txt", content="") is Kind.EDIT
    assert kind(workspace, "write_file", path="notes.txt", content="") is Kind.SECRET
    for path in (
        ".vscode/tasks.json",
        "mcp.json",
        ".cursor/x",
        ".envrc",
        "x/.GitModules",
        ".github/workflows/a.yml",
    ):
        assert kind(workspace, "write_file", path=path, content="") is Kind.COMMAND
    assert kind(workspace, "execute_bash", command="ls") is Kind.COMMAND


@pytest.mark.parametrize("tool", ["write_file", "edit_file"])
def test_what_somebody_saves_meanwhile_is_not_lost(
    workspace: Workspace, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.root / "a").write_text("old")
    looked = Workspace.writable

    def writable(self: Workspace, path: str) -> File | None:
        found = looked(self, path)
        (workspace.root / "a").write_text("theirs")
        return found

    monkeypatch.setattr(Workspace, "writable", writable)
    arguments = {"content": "new"} if tool == "write_file" else {"old": "old", "new": "new"}
    call = TOOLS[tool].parse(json.dumps({"path": "a", **arguments}))
    with pytest.raises(ToolError, match="changed meanwhile"):
        asyncio.run(TOOLS[tool].run(call, workspace))
    assert (workspace.root / "a").read_text() == "theirs"
    assert workspace.undo() == []


@pytest.mark.parametrize("text, shown", [
    ("rm\u00a0-rf\u2003x", "rm\\xa0-rf\\u2003x"),  # spaces that the shell takes for letters
    ("a\u3164b\u2800c\uffa0", "a\\u3164b\\u2800c\\uffa0"),  # letters that are drawn as nothing
    ("x\ufe0f\U000e0101", "x\\ufe0f\\U000e0101"),
    ("a\u0301\u0302\u0303\u0304", "a\u0301\u0302\\u0303\\u0304"),  # piled on other lines
    ("a\u2028b\u2029c\x85d\x0be", "a\\u2028b\\u2029c\\x85d\\x0be"),  # line ends that are none
    ("naïve Übung 日本 Δx", "naïve Übung 日本 Δx"),
])  # fmt: skip
def test_what_is_seen_is_what_is_there(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("text, shown", [
    ("cat p\u0430sswd", "cat p\\u0430sswd"),  # a Cyrillic a
    ("\uff43url x", "\\uff43url x"), ("m\U0001d41aath", "m\\U0001d41aath"),
    ("\u0397ello", "\\u0397ello"),
    ("cat файл.txt", "cat файл.txt"), ("echo café Straße", "echo café Straße"),
])  # fmt: skip
def test_letters_that_look_like_others_are_told_in_commands_and_names(
    text: str, shown: str
) -> None:
    assert unmistakable(text) == shown


@pytest.mark.parametrize("name", ["x\n+harmless", "x\t\u202e", "x\r\n@@ line 1 @@", "x\u2028y"])
def test_a_name_stays_on_its_line_in_a_preview(workspace: Workspace, name: str) -> None:
    tool = toolset(None)["write_file"]
    call = tool.parse(json.dumps({"path": name, "content": "y"}))
    assert tool.preview(call, workspace).count("\n") == 2
