"""The profile for sandbox-exec, as text: no path can end its string and speak Scheme.

That macOS takes it cannot be seen on Linux; there its trial (probe.py) decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.tools import hiding, seatbelt

_TOKEN = re.compile(r'\s*(?:([()])|"((?:[^"\\]|\\.)*)"|([^\s()"]+))', re.DOTALL)
ODD = [
    "/a b", '/say "x"', "/back\\slash", '/end\\"', "/(allow default)", '/")(allow default)("',
    "/ünï", "/\u202egnp", "/new\nline", "/tab\t", "/;comment", "/#|block|#", "/'q", "/日本", "/$x`",
]  # fmt: skip


def parsed(profile: str) -> list[Any]:
    """The rules as nested lists; strings as `("text",)`. Fails where parentheses do not match."""

    def read(tokens: Iterator[re.Match[str]], inside: bool) -> list[Any]:
        found: list[Any] = []
        for token in tokens:
            if token[1] == "(":
                found.append(read(tokens, True))
            elif token[1] == ")":
                assert inside
                return found
            elif token[3] is not None:
                found.append(token[3])
            else:
                found.append((re.sub(r"\\(.)", r"\1", token[2], flags=re.DOTALL),))
        assert not inside
        return found

    assert _TOKEN.sub("", profile).strip() == ""
    return read(_TOKEN.finditer(profile), False)


def made(workspace: str, read: str, secret: str, *, network: bool = False) -> list[Any]:
    plan = hiding.plan(workspace, [Path(workspace, "deep", secret)], [Path(workspace, "own")])
    return parsed(seatbelt.profile([read], [workspace], plan, network=network))


@pytest.mark.parametrize("path", ODD)
def test_a_path_stays_one_string(path: str) -> None:
    rules = made(f"/w{path}", f"/r{path}", path[1:])
    whole = f"/w{path}"
    assert rules[-5:] == [
        ["allow", "file-read*", "file-map-executable", ["subpath", (f"/r{path}",)]],
        ["allow", "file-read*", "file-write*", ["subpath", (whole,)]],
        ["deny", "file-read-data", "file-write*", ["subpath", (f"{whole}/deep{path}",)]],
        ["deny", "file-write*", ["subpath", (f"{whole}/own",)]],
        ["deny", "file-write-unlink", ["literal", (f"{whole}/deep",)]],
    ]
    usual = made("/w", "/r", "s")
    assert rules[:-5] == usual[:-5] and len(rules) == len(usual)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1))
def test_no_name_adds_a_rule(name: str) -> None:
    plan = hiding.Plan([], [f"/w/{name}"], [])
    rules = parsed(seatbelt.profile([], [], plan, network=False))
    assert rules[-1] == ["deny", "file-read-data", "file-write*", ["subpath", (f"/w/{name}",)]]
    assert (
        len(rules)
        == len(parsed(seatbelt.profile([], [], hiding.Plan([], [], []), network=False))) + 1
    )


def test_it_denies_first_and_opens_the_network_only_when_asked() -> None:
    shut, wide = made("/w", "/r", "s"), made("/w", "/r", "s", network=True)
    assert shut[:2] == [["version", "1"], ["deny", "default"]]
    assert not [rule for rule in shut if "network" in str(rule) or "mach" in str(rule)]
    assert [rule[1] for rule in wide if rule not in shut] == ["network-outbound", "mach-lookup"]
    assert ["allow", "default"] not in wide
