"""Images through every wire, to a model that takes them, and to one that does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local_swarm.backends.tuning import Tuning
from local_swarm.crew import of_plan
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment

from .conftest import Running, planned, running
from .images import picture, projector

URL = picture()
DATA = URL.partition(",")[2]
ASK = "What is this?"
TEXT = {"type": "text", "text": ASK}
CHATS: dict[str, Any] = {
    "/v1/chat/completions": [TEXT, {"type": "image_url", "image_url": {"url": URL}}],
    "/v1/messages": [
        TEXT,
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
    ],
}
RESPONSE = [
    {"type": "input_text", "text": ASK},
    {"type": "input_image", "image_url": URL},
]


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The demo model with a projector of random weights."""
    home = tmp_path_factory.mktemp("seeing")
    tuning = Tuning(mmproj=str(projector(home / "mmproj.gguf")))
    crew = of_plan(planned(demo_path(), seats=3), demo_path(), clean_environment(), tuning=tuning)
    with running(home, None, None, others=[crew]) as it:
        yield it


def tokens(it: Running, content: Any) -> int:
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": 20}
    answer = it.http.post("/v1/chat/completions", json=body).json()
    assert answer["choices"][0]["message"]["content"]
    assert answer["swarm"]["ballots"] >= 1
    return int(answer["usage"]["prompt_tokens"])


def test_an_image_is_part_of_the_prompt(seeing: Running) -> None:
    content = CHATS["/v1/chat/completions"]
    one, two = tokens(seeing, content), tokens(seeing, [*content, content[1]])
    assert two - one >= 4  # an image of 28 by 28 pixels is four patches
    assert one - tokens(seeing, ASK) >= 4


@pytest.mark.parametrize("path", CHATS)
def test_both_chats_take_images(seeing: Running, path: str) -> None:
    sent = {"messages": [{"role": "user", "content": CHATS[path]}], "max_tokens": 20}
    response = seeing.http.post(path, json=sent)
    assert response.status_code == 200, response.text


def test_responses_and_ollama_take_images(seeing: Running) -> None:
    sent = {"input": [{"role": "user", "content": RESPONSE}], "max_output_tokens": 20}
    assert seeing.http.post("/v1/responses", json=sent).status_code == 200
    message = {"role": "user", "content": ASK, "images": [DATA]}
    asked = {"model": "local-swarm", "messages": [message], "stream": False}
    response = seeing.http.post("/api/chat", json={**asked, "options": {"num_predict": 20}})
    assert response.status_code == 200, response.text
    shown = seeing.http.post("/api/show", json={"model": "local-swarm"}).json()
    assert "vision" in shown["capabilities"]


def test_a_model_that_sees_nothing_says_so(node: Running) -> None:
    sent = {"messages": [{"role": "user", "content": CHATS["/v1/chat/completions"]}]}
    response = node.http.post("/v1/chat/completions", json=sent)
    assert response.status_code == 400
    assert "sees no images" in response.json()["error"]["message"]
    assert "--mmproj" in response.json()["error"]["message"]
    shown = node.http.post("/api/show", json={"model": "local-swarm"}).json()
    assert "vision" not in shown["capabilities"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x.png", "file:///etc/passwd", "/etc/passwd", "", "data:text/html,x"]
)
def test_nothing_is_fetched_for_a_caller(seeing: Running, url: str) -> None:
    content = [TEXT, {"type": "image_url", "image_url": {"url": url}}]
    for image in (content, [TEXT, {"type": "image_url", "image_url": url}]):
        sent = {"messages": [{"role": "user", "content": image}]}
        response = seeing.http.post("/v1/chat/completions", json=sent)
        assert response.status_code == 400
        assert "in the request itself" in response.json()["error"]["message"]


@pytest.mark.parametrize("data", ["AAAA", "!!!!", DATA[:60], DATA.swapcase()])
def test_a_broken_image_is_the_callers_fault(seeing: Running, data: str) -> None:
    broken = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    sent = {"messages": [{"role": "user", "content": [TEXT, broken]}], "max_tokens": 8}
    response = seeing.http.post("/v1/chat/completions", json=sent)
    assert response.status_code == 400, response.text
    assert seeing.http.get("/health").json()["status"] == "ok"
