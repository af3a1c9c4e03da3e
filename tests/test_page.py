"""The page as it is served: small, closed, and never building markup from text."""

from __future__ import annotations

import re
from pathlib import Path

from local_swarm.api import page

from .conftest import Running

WEB = Path(page.__file__).parent / "web"


def test_browsers_get_a_page_and_others_a_line(node: Running) -> None:
    told = node.http.get("/", headers={"Accept": "text/html,*/*"})
    assert told.status_code == 200 and told.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in told.headers["content-security-policy"]
    assert "unsafe" not in told.headers["content-security-policy"]
    assert node.http.get("/").text.startswith("Local Swarm is running")


def test_all_that_the_page_loads_is_there(node: Running) -> None:
    assert sorted(page.FILES) == sorted(file.name for file in WEB.iterdir())
    for name in page.FILES:
        told = node.http.get(f"/web/{name}")
        assert told.status_code == 200, name
        for found in re.findall(r'(?:src|href|from)[ =]"([./][^"]*)"', told.text):
            assert found.removeprefix("/web/").removeprefix("./") in page.FILES, found
    assert node.http.get("/web/../app.py").status_code == 404
    assert node.http.get("/web/nothing.js").status_code == 404


def test_the_page_is_small_and_loads_nothing_from_elsewhere() -> None:
    texts = {file.name: file.read_text("utf-8") for file in WEB.iterdir()}
    assert sum(len(text.encode()) for text in texts.values()) < 80_000
    for name, text in texts.items():
        assert not re.search(r"https?://", text), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text), (
            name
        )


def test_the_snippets_have_the_address_of_this_node(node: Running) -> None:
    clients = node.http.get("/swarm/integrations").json()["clients"]
    assert {"curl", "openai-python", "openai-node"} <= {client["id"] for client in clients}
    assert all(node.url in client["text"] for client in clients)
