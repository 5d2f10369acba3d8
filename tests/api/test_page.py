"""The page in a real browser: it signs in, shows live state, queries, and needs nothing of another host."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from engine.api.settings import Settings
from engine.lake.dead_letters import DeadLetters
from engine.lake.layout import dead_letters_uri
from engine.source.batch import Rejected
from tests.api.conftest import Served, serve
from tests.api.processes import free_port, server
from tests.planner.worlds import World
from tests.reconcile.reports import finding, result

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium (Debian: chromium, chromium-driver)"),
]
PATIENCE_S = 30


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=390,844"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


@contextmanager
def _page(served: Served, log: Path) -> Iterator[int]:
    """The port of a service of the project."""
    port = free_port()
    command = ["-c", "from engine.cli.main import main; main()", "serve", "--port", str(port)]
    environment = Settings(project=served.root).environment()
    with server([*command, "--project", str(served.root)], port, environment, log):
        yield port


def test_the_page_signs_in_shows_pipelines_and_answers_a_query(
    browser: webdriver.Chrome, served: Served, tmp_path: Path
) -> None:
    with _page(served, tmp_path / "log") as port:
        browser.get(f"http://127.0.0.1:{port}/")
        _wait(browser, "#key")[0].send_keys(served.keys["viewer"])
        _wait(browser, "form button")[0].click()
        row = _text(browser, "tbody tr")
        assert "orders" in row
        browser.get(f"http://127.0.0.1:{port}/#/pipelines/orders")
        _wait(browser, "main details")
        _wait(browser, "[role=group] button")
        assert "Nothing to do" in _text(browser, "main")
        enabled = "return document.querySelectorAll('[role=group] button:enabled').length"
        assert browser.execute_script(enabled) == 0, "a viewer steers nothing"
        browser.get(f"http://127.0.0.1:{port}/#/query")
        sql = _wait(browser, "#sql")[0]
        sql.clear()
        sql.send_keys("select '<img src=x onerror=alert(1)>' as hostile")
        _wait(browser, "form button.main")[0].click()
        assert _text(browser, "tbody th") == "<img src=x onerror=alert(1)>"
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        hosts = browser.execute_script(
            "return performance.getEntriesByType('resource').map((one) => new URL(one.name).host)"
        )
        assert set(hosts) == {f"127.0.0.1:{port}"}
        complaints = [line["message"] for line in browser.get_log("browser") if "api/v1/me" not in line["message"]]
        assert complaints == []


VIEWS = {"": "main a", "#/pipelines/orders": "main details", "#/query": "#sql", "#/jobs": "main button"}


def test_every_view_is_accessible_in_light_and_dark_and_used_with_the_keyboard_alone(
    browser: webdriver.Chrome, served: Served, tmp_path: Path
) -> None:
    jobs = served.app.state.service.jobs
    jobs.ask("reconcile", {"pipelines": ["orders"], "mode": "full"}, "someone")
    jobs.end(jobs.claim(), "done", result={"exit_code": 5, "tables": [result([finding("7", "missing")])]})
    with _page(served, tmp_path / "log") as port:
        browser.get(f"http://127.0.0.1:{port}/")
        _wait(browser, "#key")
        _judge(browser, "sign in")
        _press(browser, served.keys["operator"], Keys.ENTER)
        for view, landmark in VIEWS.items():
            browser.get(f"http://127.0.0.1:{port}/{view}")
            _wait(browser, landmark)
            _judge(browser, view)
            _reach_everything(browser, view)
        _open(browser, "Report")
        assert "missing" in _text(browser, "main pre")
        _judge(browser, "report")
        _reach_everything(browser, "report")
        _open(browser, "Pipelines")
        _wait(browser, "main a")
        _open(browser, "orders")
        _wait(browser, "main details")
        _open(browser, "Reconcile")
        WebDriverWait(browser, PATIENCE_S).until(lambda driver: "queued" in _text(driver, "[aria-label=Job]"))
        _judge(browser, "a job that is followed")
    asked = jobs.page(None, 1)[0]
    assert (asked.kind, asked.arguments) == ("reconcile", {"pipelines": ["orders"], "mode": "full"})


def test_a_plan_with_changes_waiting_dead_letters_and_rows_are_accessible_and_letters_are_replayed(
    browser: webdriver.Chrome, mongo: str, tmp_path: Path
) -> None:
    world = World(tmp_path)
    world.target(mongo)
    world.spec()
    world.apply()
    world.fill(3)
    letter = Rejected("shop.orders", 0, 7, 1_795_521_600_000, b"key", b"value", "message-not-json", "why", 5)
    DeadLetters(dead_letters_uri(str(tmp_path / "lake"), "orders")).keep([letter], datetime.now(UTC), 10)
    world.spec(mode="history")
    served = serve(tmp_path)
    with _page(served, tmp_path / "log") as port:
        browser.get(f"http://127.0.0.1:{port}/#/pipelines/orders")
        _wait(browser, "#key")
        _press(browser, served.keys["operator"], Keys.ENTER)
        _wait(browser, "main details")
        assert "replace orders/history" in _text(browser, "[aria-label=Plan]")
        assert "message-not-json" in _text(browser, "main")
        assert "oplake apply --allow-replace" in _text(browser, "main")
        _judge(browser, "a plan with changes, and dead letters")
        _open(browser, "Replay")
        WebDriverWait(browser, PATIENCE_S).until(lambda driver: "queued" in _text(driver, "[aria-label=Job]"))
        browser.get(f"http://127.0.0.1:{port}/#/query")
        _wait(browser, "#sql")
        _open(browser, "Run")
        assert "k0" in _text(browser, "tbody")
        _judge(browser, "rows of a query")
        _reach_everything(browser, "rows of a query")
    (asked,) = served.app.state.service.jobs.page(None, 9)
    assert (asked.kind, asked.arguments) == ("replay", {"pipeline": "orders"})


def _judge(browser: webdriver.Chrome, view: str) -> None:
    """Let axe-core look at what is shown, in both colour schemes."""
    if not browser.execute_script("return 'axe' in window"):
        browser.execute_script((files("axe_core_python") / "axe.min.js").read_text())
    for scheme in ("light", "dark"):
        emulated = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
        found = browser.execute_async_script("axe.run().then(arguments[0])")
        told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
        assert found["passes"]
        assert told == [], (view, scheme)


# Controls by what they are, not as elements: the page may draw them anew at any moment.
NAME = "const name = (one) => one.cloneNode().outerHTML + (one.tagName === 'BUTTON' ? one.textContent : '');"
KINDS = "a[href], button:enabled, input, select, textarea, summary, main [tabindex='0']"
CONTROLS = f"{NAME} return [...document.querySelectorAll(`{KINDS}`)].filter((one) => one.checkVisibility()).map(name)"
BEARS_FOCUS = """
const one = document.activeElement;
return ["A", "BUTTON"].includes(one.tagName) && one.innerText.trim() === arguments[0];
"""
FOCUSED = f"{NAME} const one = document.activeElement; return [name(one), getComputedStyle(one).outlineStyle]"


def _reach_everything(browser: webdriver.Chrome, view: str) -> None:
    """Tab comes to every control, and each shows that it has the focus; two rounds of the page at most."""
    controls, reached = set(browser.execute_script(CONTROLS)), set()
    for _ in range(2 * len(controls) + 4):
        _press(browser, Keys.TAB)
        name, outline = browser.execute_script(FOCUSED)
        if name in controls:
            assert outline != "none", (view, name)
            reached.add(name)
        if reached == controls:
            return
    raise AssertionError(f"no way to {controls - reached} in {view!r} with the keyboard")


def _open(browser: webdriver.Chrome, text: str) -> None:
    """Step on until the focus is on what bears this text, and press Enter."""
    for _ in range(40):
        if browser.execute_script(BEARS_FOCUS, text):
            _press(browser, Keys.ENTER)
            return
        _press(browser, Keys.TAB)
    raise AssertionError(f"no way to {text!r} with the keyboard")


def _press(browser: webdriver.Chrome, *keys: str) -> None:
    """Press keys wherever the focus is: not on an element, which the page may just have drawn anew."""
    ActionChains(browser).send_keys(*keys).perform()


def _text(browser: webdriver.Chrome, selector: str) -> str:
    """The text of the first such element; the page may draw it anew between being found and being read."""
    waiting = WebDriverWait(browser, PATIENCE_S, ignored_exceptions=[StaleElementReferenceException])
    return str(waiting.until(lambda driver: [one.text for one in driver.find_elements(By.CSS_SELECTOR, selector)])[0])


def _wait(browser: webdriver.Chrome, selector: str) -> list[webdriver.remote.webelement.WebElement]:
    found: list[webdriver.remote.webelement.WebElement] = WebDriverWait(browser, PATIENCE_S).until(
        lambda driver: driver.find_elements(By.CSS_SELECTOR, selector)
    )
    return found
