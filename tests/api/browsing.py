"""A real browser on a real service: what the tests of the page do with both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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
from tests.api.conftest import Served
from tests.api.processes import free_port, server

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MARKS = [
    pytest.mark.server,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium (Debian: chromium, chromium-driver)"),
]
PATIENCE_S = 30


@contextmanager
def open_browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=390,844"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


@contextmanager
def page(served: Served, log: Path) -> Iterator[int]:
    """The port of a service of the project."""
    port = free_port()
    command = ["-c", "from engine.cli.main import main; main()", "serve", "--port", str(port)]
    environment = Settings(project=served.root).environment()
    with server([*command, "--project", str(served.root)], port, environment, log):
        yield port


def judge(browser: webdriver.Chrome, view: str) -> None:
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


def reach_everything(browser: webdriver.Chrome, view: str) -> None:
    """Tab comes to every control, and each shows that it has the focus; two rounds of the page at most."""
    controls, reached = set(browser.execute_script(CONTROLS)), set()
    for _ in range(2 * len(controls) + 4):
        press(browser, Keys.TAB)
        name, outline = browser.execute_script(FOCUSED)
        if name in controls:
            assert outline != "none", (view, name)
            reached.add(name)
        if reached == controls:
            return
    raise AssertionError(f"no way to {controls - reached} in {view!r} with the keyboard")


def open_named(browser: webdriver.Chrome, text: str) -> None:
    """Step on until the focus is on what bears this text, and press Enter."""
    for _ in range(40):
        if browser.execute_script(BEARS_FOCUS, text):
            press(browser, Keys.ENTER)
            return
        press(browser, Keys.TAB)
    raise AssertionError(f"no way to {text!r} with the keyboard")


def press(browser: webdriver.Chrome, *keys: str) -> None:
    """Press keys wherever the focus is: not on an element, which the page may just have drawn anew."""
    ActionChains(browser).send_keys(*keys).perform()


def text_of(browser: webdriver.Chrome, selector: str) -> str:
    """The text of the first such element; the page may draw it anew between being found and being read."""
    waiting = WebDriverWait(browser, PATIENCE_S, ignored_exceptions=[StaleElementReferenceException])
    return str(waiting.until(lambda driver: [one.text for one in driver.find_elements(By.CSS_SELECTOR, selector)])[0])


def wait_for(browser: webdriver.Chrome, selector: str) -> list[webdriver.remote.webelement.WebElement]:
    found: list[webdriver.remote.webelement.WebElement] = WebDriverWait(browser, PATIENCE_S).until(
        lambda driver: driver.find_elements(By.CSS_SELECTOR, selector)
    )
    return found
