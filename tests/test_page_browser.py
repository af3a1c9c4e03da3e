"""The page in a real browser without a screen: chat, ballots, tabs by keyboard, dark, a phone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_swarm.wire import runtime

from .conftest import SUM, Running

webdriver = pytest.importorskip("selenium.webdriver")
By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
Wait = pytest.importorskip("selenium.webdriver.support.ui").WebDriverWait

Browser = Any


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        assert "LOCAL_SWARM_CI" not in os.environ
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.add_argument("--window-size=1100,900")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


@pytest.fixture
def page(chromium: Browser, node: Running) -> Iterator[Browser]:
    """The page, freshly loaded; nothing may end up as an error in its console."""
    chromium.get(node.url)
    Wait(chromium, 10).until(lambda b: "seats" in b.find_element(By.ID, "state").text)
    yield chromium
    severe = [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


def ask(page: Browser, question: str) -> Browser:
    """The turn of a question, once its verdict is there."""
    page.find_element(By.ID, "question").send_keys(question, Keys.ENTER)
    until(page, lambda: page.find_element(By.CSS_SELECTOR, ".turn:last-child .vote"))
    return page.find_element(By.CSS_SELECTOR, ".turn:last-child")


def until(page: Browser, found: Callable[[], Any]) -> Any:
    return Wait(page, 30, ignored_exceptions=(Exception,)).until(lambda _: found())


def test_an_answer_streams_in_and_shows_its_ballots(page: Browser) -> None:
    turn = ask(page, SUM)
    assert "Answer: 21" in turn.find_element(By.CSS_SELECTOR, ".said").text
    assert turn.find_element(By.CSS_SELECTOR, ".verdict").text.startswith("majority")
    turn.find_element(By.TAG_NAME, "summary").click()
    cards = turn.find_elements(By.CSS_SELECTOR, ".card")
    assert len(cards) >= 3
    winners = [card for card in cards if "winner" in card.get_attribute("class")]
    assert len(winners) == 1 and winners[0] == cards[0]
    assert "21" in winners[0].text and "home/demo#" in winners[0].text


def test_the_second_question_knows_the_first(page: Browser) -> None:
    ask(page, "hello")
    ask(page, "thanks")
    assert len(page.find_elements(By.CSS_SELECTOR, ".turn")) == 2
    page.find_element(By.ID, "clear").click()
    assert page.find_elements(By.CSS_SELECTOR, ".turn") == []


def test_what_a_model_says_is_never_markup(page: Browser) -> None:
    """The question is shown like an answer: as text."""
    turn = ask(page, "<img src=x onerror=alert(1)><b>hello</b>")
    assert "<b>hello</b>" in turn.find_element(By.CSS_SELECTOR, ".asked").text
    assert turn.find_elements(By.CSS_SELECTOR, "img, b b, .asked b") == []


def test_seats_and_strategy_are_asked_for(page: Browser) -> None:
    page.find_element(By.ID, "seats").send_keys("3")
    page.find_element(By.CSS_SELECTOR, "#strategy option:nth-child(4)").click()
    text = ask(page, SUM).text
    assert "3 of 3 seats" in text and "strategy quality" in text


def test_an_error_is_told_and_the_question_kept(page: Browser) -> None:
    page.find_element(By.ID, "question").send_keys("word " * 600, Keys.ENTER)
    told = until(page, lambda: page.find_element(By.CSS_SELECTOR, ".error"))
    assert "maximum context length" in told.text
    assert page.find_element(By.ID, "question").get_attribute("value").startswith("word")
    page.get_log("browser")  # the browser itself notes the status 400


def test_tabs_by_keyboard(page: Browser) -> None:
    page.find_element(By.ID, "tab-chat").send_keys(Keys.ARROW_RIGHT)
    assert page.switch_to.active_element.get_attribute("id") == "tab-node"
    facts = until(page, lambda: page.find_element(By.CSS_SELECTOR, "#node table"))
    assert "context" in facts.text and not page.find_element(By.ID, "chat").is_displayed()
    page.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    snippets = until(page, lambda: page.find_elements(By.CSS_SELECTOR, ".snippet"))
    assert any("openai" in snippet.text for snippet in snippets)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(page: Browser, scheme: str) -> None:
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    phone = {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        ask(page, SUM)
        wide = page.execute_script("return document.documentElement.scrollWidth")
        assert wide <= 390
        back = page.execute_script("return getComputedStyle(document.body).backgroundColor")
        light = sum(map(int, back.removeprefix("rgb(").rstrip(")").split(","))) > 380
        assert light == (scheme == "light")
        assert page.find_element(By.ID, "send").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_escape_stops_an_answer(chromium: Browser, slow: Running) -> None:
    chromium.get(slow.url)
    box = until(chromium, lambda: chromium.find_element(By.ID, "question"))
    box.send_keys("tell me a very long story", Keys.ENTER)
    until(chromium, lambda: chromium.find_element(By.ID, "stop").is_displayed())
    box.send_keys(Keys.ESCAPE)
    told = until(chromium, lambda: chromium.find_element(By.CSS_SELECTOR, ".error"))
    assert told.text == "Stopped."
    until(chromium, lambda: slow.node.status().engines[0].slots_busy == 0)


def test_another_machine_is_shown(chromium: Browser, tmp_path: Path) -> None:
    from .test_lan_node import demo

    with demo(tmp_path / "a") as one, demo(tmp_path / "b") as other:
        assert one.node.lan and other.node.lan
        key, theirs = ({"X-Control-Token": token(it)} for it in (one, other))
        made = one.http.post("/swarm/invite", json={"trust": True}, headers=key).json()
        at = f"127.0.0.1:{one.http.get('/swarm/peers', headers=key).json()['port']}"
        joined = {"code": made["code"], "at": at, "trust": True}
        other.http.post("/swarm/join", json=joined, headers=theirs).raise_for_status()
        until(chromium, lambda: one.node.status().peers_up == 1)
        chromium.get(one.url)
        chromium.find_element(By.ID, "tab-node").click()
        shown = until(chromium, lambda: chromium.find_element(By.ID, "node").text)
        name = one.node.status().machines[0].name
        assert f"{name} up: demo, 3 seats" in shown


def token(it: Running) -> str:
    [entry] = runtime.running(it.settings.nodes)
    return entry.token
