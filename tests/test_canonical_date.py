"""Dates and times of day."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.swarm.canonical import Key, date

SAME = {
    "2026-03-01": ["2026-03-01", "2026/03/01", "2026.03.01", "2026-3-1", "March 1, 2026",
        "March 1st, 2026",
        "March 1 2026", "Mar 1, 2026", "Mar. 1, 2026", "1 March 2026", "1st March 2026",
        "1st of March 2026",
        "the 1st of March, 2026", "01 Mar 2026", "01-Mar-2026", "Sunday, March 1, 2026",
        "01.03.2026", "1.3.2026",
        "on March 1, 2026", "**March 1, 2026**", "It was on March 1, 2026.", "1. M\u00e4rz 2026",
        "1er mars 2026",
        "1 de marzo de 2026", "2026\u5e743\u67081\u65e5", "\uff12\uff10\uff12\uff16-03-01",
        "MARCH 1, 2026",
        "\\text{March 1, 2026}", "March 1, 2026, so in 2026"],
    "2026-01-13": ["13/1/2026", "1/13/2026", "13/01/2026", "01/13/2026", "13-01-2026",
        "January 13, 2026"],
    "2026-05-05": ["5/5/2026", "05/05/2026", "May 5, 2026"],
    "3/1/2026": ["3/1/2026", "03/01/2026", "3-1-2026"],
    "2026-03": ["March 2026", "March, 2026", "Mar 2026", "in March of 2026", "2026\u5e743\u6708"],
    "--03-01": ["March 1", "March 1st", "1 March", "the 1st of March", "on March 1."],
    "1969": ["1969", "in 1969", "1969.", "the year 1969", "It was 1969.", "**1969**", "1969 AD",
        "AD 1969"],
    "-44": ["44 BC", "44 BCE", "44 B.C.", "in 44 BC"],
    "79": ["79 AD", "AD 79", "79 CE"],
    "1990s": ["1990s", "the 1990s", "1990's"],
    "century 19": ["19th century", "the 19th century"],
    "1914..1918": ["1914-1918", "1914\u20131918", "1914 to 1918", "from 1914 until 1918"],
    "T17:00": ["17:00", "5 pm", "5 PM", "5pm", "5:00 pm", "5 p.m.", "5:00 P.M.", "17:00:00",
        "17h00", "17 Uhr",
        "at 5 pm", "17:00 h"],
    "T12:00": ["noon", "12 pm", "12:00", "12 noon"],
    "T00:00": ["midnight", "12 am", "00:00", "0:00"],
    "T17:00 utc": ["17:00 UTC", "17:00Z", "5 pm UTC", "5 pm GMT"],
    "2026-03-01T17:00": ["2026-03-01T17:00", "March 1, 2026 at 5 pm", "5 pm on March 1, 2026",
        "2026-03-01 17:00:00"],
    "monday": ["Monday", "on Monday", "It was a Monday.", "monday!"],
    "--03": ["March", "in March", "march."],
}  # fmt: skip


@pytest.mark.parametrize("value", SAME)
def test_all_spellings_of_one_date(value: str) -> None:
    keys = {said: date.key(said) for said in SAME[value]}
    said = {words: key and key.value for words, key in keys.items()}
    assert {w: v for w, v in said.items() if v != f"date:{value}"} == {}


@pytest.mark.parametrize("words", ["", "42", "Paris", "I may go", "$1990", "1,990", "1990 km",
    "5 o'clock", "no",
    "3.14", "12", "the war",
    "In 1914 it began with one shot, in 1916 it went on and in 1918, as all know, it ended",
])  # fmt: skip
def test_what_is_no_date(words: str) -> None:
    assert date.key(words) is None


def test_a_zone_is_an_alias_away() -> None:
    assert date.key("5 pm UTC") == Key("date:T17:00 utc", "date:T17:00")


@pytest.mark.parametrize(("question", "asked"), [
    ("When was it?", True), ("When did the war end?", True), ("What year did it end?", True),
    ("What time is it?", True),
    ("In which year was he born?", True), ("On what date was it signed?", True),
    ("What is the date of Easter?", True),
    ("What day of the week is it?", True), ("Who won, and when was it?", True),
    ("How many days until March?", False),
    ("When I add 3 and 4, what is the sum?", False), ("Tell me when you are done", False), ("",
    False),
    ("How long ago was 1990?", False), ("Who wrote it?", False),
])  # fmt: skip
def test_what_asks_for_a_date(question: str, asked: bool) -> None:
    assert date.is_asked(question) is asked


@given(st.dates(min_value=datetime.date(1000, 1, 1), max_value=datetime.date(2999, 12, 31)))
def test_every_day_has_one_key(day: datetime.date) -> None:
    month = day.strftime("%B")
    spellings = [day.isoformat(), f"{month} {day.day}, {day.year}", f"{day.day} {month} {day.year}",
        f"{day.day:02}.{day.month:02}.{day.year}",
        f"{day:%A}, {day.day} {day:%b} {day.year}"]  # fmt: skip
    assert {date.key(said) for said in spellings} == {Key(f"date:{day.isoformat()}")}
