"""The page in a real browser: it signs in, shows live state, queries, and needs nothing of another host."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from engine.api.settings import Settings
from tests.api.conftest import Served
from tests.api.processes import free_port, server

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


def test_the_page_signs_in_shows_pipelines_and_answers_a_query(
    browser: webdriver.Chrome, served: Served, tmp_path: Path
) -> None:
    port = free_port()
    command = ["-c", "from engine.cli.main import main; main()", "serve", "--port", str(port)]
    environment = Settings(project=served.root).environment()
    with server([*command, "--project", str(served.root)], port, environment, tmp_path / "log"):
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


def _text(browser: webdriver.Chrome, selector: str) -> str:
    """The text of the first such element; the page may draw it anew between being found and being read."""
    waiting = WebDriverWait(browser, PATIENCE_S, ignored_exceptions=[StaleElementReferenceException])
    return str(waiting.until(lambda driver: [one.text for one in driver.find_elements(By.CSS_SELECTOR, selector)])[0])


def _wait(browser: webdriver.Chrome, selector: str) -> list[webdriver.remote.webelement.WebElement]:
    found: list[webdriver.remote.webelement.WebElement] = WebDriverWait(browser, PATIENCE_S).until(
        lambda driver: driver.find_elements(By.CSS_SELECTOR, selector)
    )
    return found
