"""The bundled models: found by name, served by the real engine, and described by their card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from local_swarm.choose import Wish, choose
from local_swarm.models.catalog import catalog
from local_swarm.models.store import demo_path
from training.demo import card, paths

from .conftest import planned, running, settings_in

SIZES = {"demo": "demo", "mini": "demo-mini"}


def chosen(home: Path, model: str) -> Path:
    return choose(settings_in(home), Wish(model), lambda file, done, total: None).path


@pytest.mark.parametrize("id", SIZES.values())
def test_a_bundled_model_and_a_file_of_its_name_are_told_apart(tmp_path: Path, id: str) -> None:
    named = tmp_path / f"{id}.gguf"
    named.write_bytes(demo_path().read_bytes())
    assert chosen(tmp_path, id) == demo_path(id)
    assert chosen(tmp_path, str(named)) == named


def test_the_small_sibling_is_served(tmp_path: Path) -> None:
    path = demo_path("demo-mini")
    with running(tmp_path, planned(path, seats=3), path) as node:
        answer = node.chat("hello").json()["choices"][0]["message"]["content"]
        assert answer.startswith(("Hello", "Hi"))
        assert node.node.status().engines[0].model == "demo-mini"


@pytest.mark.parametrize("size", SIZES)
def test_the_figures_are_those_of_the_file_that_ships(size: str) -> None:
    found = json.loads(paths.results(size).read_text())
    manifest = json.loads(paths.manifest(size).read_text())
    shipped = hashlib.sha256(demo_path(SIZES[size]).read_bytes()).hexdigest()
    assert found["sha256"] == manifest["sha256"]["gguf"] == shipped
    assert manifest["parameters"] == catalog()[SIZES[size]].parameters
    assert found["split"] == "test"


def test_the_card_is_made_of_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = paths.CARD.read_text()
    monkeypatch.setattr(paths, "CARD", tmp_path / "card.md")
    card.card()
    assert paths.CARD.read_text() == committed
    assert "**missed**" in committed or "Floors missed: none" in committed
