"""The person at the terminal, asked by the real code over a real terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from local_swarm.ballot import ToolCall
from local_swarm.cli.consent import Terminal
from local_swarm.tools.backing import Rival
from local_swarm.tools.base import Call, Kind, Risk
from local_swarm.tools.consent import NobodyToAsk, Proposal, Word
from local_swarm.tools.toolset import toolset

RIVALS = [
    Rival((ToolCall("a", "write_file", '{"path": "a\u202e"}'),), 2),
    Rival((ToolCall("b", "edit_file", '{"path": "b"}'),), 1),
]
BASH = toolset(None, unsafe=True)["execute_bash"]


def proposal(command: str = "rm x") -> Proposal:
    call: Call = BASH.parse(f'{{"command": "{command}"}}')
    return Proposal(BASH.name, call, Risk(Kind.COMMAND, "runs it"), f"$ {command}\n", 3, 5, True)


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard input is a terminal; what is written here is typed there."""
    ours, its = pty.openpty()
    with os.fdopen(its, "r") as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield ours
    os.close(ours)


def shown() -> tuple[Terminal, StringIO]:
    said = StringIO()
    return Terminal(Console(file=said, width=100)), said


@pytest.mark.parametrize("typed, place", [
    ("1\n", 0), ("2\n", 1), ("\n", None), ("3\n", None), ("0\n", None), ("both\n", None),
])  # fmt: skip
def test_the_alternatives_are_shown_with_their_votes(
    keyboard: int, typed: str, place: int | None
) -> None:
    terminal, said = shown()
    os.write(keyboard, typed.encode())
    assert asyncio.run(terminal.choose("2 of 5 workers proposed it", RIVALS)) == place
    told = said.getvalue()
    assert "1. (2 votes) write_file" in told and "2. (1 votes) edit_file" in told
    assert "\u202e" not in told


@pytest.mark.parametrize("typed, word", [
    ("y\n", Word.YES), ("YES\n", Word.YES), ("a\n", Word.ALWAYS), ("n\n", Word.NO),
    ("\n", Word.NO), ("x\nx\nx\n", Word.NO),
])  # fmt: skip
def test_words_that_mean_yes_and_all_others(keyboard: int, typed: str, word: Word) -> None:
    terminal, said = shown()
    os.write(keyboard, typed.encode())
    decision = asyncio.run(terminal.decide(proposal()))
    assert (decision.word, decision.by) == (word, "user")
    assert "$ rm x" in said.getvalue() and "3 of 5 workers" in said.getvalue()


def test_a_command_is_edited_in_place(keyboard: int) -> None:
    terminal, _ = shown()
    os.write(keyboard, b"e\nls\n")
    decision = asyncio.run(terminal.decide(proposal()))
    assert decision.word is Word.EDIT
    assert BASH.parse(decision.arguments).values()["command"] == "ls"


def test_the_end_of_input_is_nobody(keyboard: int) -> None:
    terminal, _ = shown()
    os.write(keyboard, b"\x04")
    decision = asyncio.run(terminal.decide(proposal()))
    assert decision.word is Word.NO and decision.nobody
    os.write(keyboard, b"\x04")
    with pytest.raises(NobodyToAsk):
        asyncio.run(terminal.choose("", RIVALS))


def test_what_is_asked_is_no_part_of_the_output(
    keyboard: int, capsys: pytest.CaptureFixture[str]
) -> None:
    os.write(keyboard, b"y\n")
    asyncio.run(shown()[0].decide(proposal()))
    assert capsys.readouterr().out == ""


def test_a_preview_that_scrolls_away_says_how_long_it_was(keyboard: int) -> None:
    said = StringIO()
    terminal = Terminal(Console(file=said, width=80, height=24))
    long = replace(proposal(), preview="$ rm -rf /" + "\n" * 300 + "echo harmless\n")
    for asked, lines in (
        (long, "302 lines"),
        (replace(long, preview="$ " + "x " * 2000), "51 lines"),
    ):
        os.write(keyboard, b"n\n")
        asyncio.run(terminal.decide(asked))
        assert f"[{lines}: look at the beginning too]" in said.getvalue()


def test_no_name_and_no_call_makes_up_a_line(keyboard: int) -> None:
    terminal, said = shown()
    forged = "a\n[write_file: writes b; 5 of 5 workers proposed it]"
    why = replace(proposal(), risk=Risk(Kind.COMMAND, f"runs it, which cannot read {forged}"))
    os.write(keyboard, b"n\n")
    asyncio.run(terminal.decide(why))
    rivals = [Rival((ToolCall("a", "write_file", "{}\n  2. (9 votes) read_file({})"),), 1)]
    os.write(keyboard, b"2\n")
    assert asyncio.run(terminal.choose("", rivals)) is None
    lines = said.getvalue().split("\n")
    assert not [line for line in lines if line.startswith(("[write_file", "  2."))]
