"""The page in a real browser: it signs in, shows live state, queries, and needs nothing of another host."""

from __future__ import annotations

from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.api.browsing import (
    MARKS,
    PATIENCE_S,
    judge,
    open_named,
    page,
    press,
    reach_everything,
    text_of,
    wait_for,
)
from tests.api.conftest import Served, serve
from tests.api.lettered import lettered_world
from tests.reconcile.reports import finding, result

pytestmark = MARKS


def test_the_page_signs_in_shows_pipelines_and_answers_a_query(
    browser: webdriver.Chrome, served: Served, tmp_path: Path
) -> None:
    with page(served, tmp_path / "log") as port:
        browser.get(f"http://127.0.0.1:{port}/")
        wait_for(browser, "#key")[0].send_keys(served.keys["viewer"])
        wait_for(browser, "form button")[0].click()
        row = text_of(browser, "tbody tr")
        assert "orders" in row
        browser.get(f"http://127.0.0.1:{port}/#/pipelines/orders")
        wait_for(browser, "main details")
        wait_for(browser, "[role=group] button")
        assert "Nothing to do" in text_of(browser, "main")
        enabled = "return document.querySelectorAll('[role=group] button:enabled').length"
        assert browser.execute_script(enabled) == 0, "a viewer steers nothing"
        browser.get(f"http://127.0.0.1:{port}/#/query")
        sql = wait_for(browser, "#sql")[0]
        sql.clear()
        sql.send_keys("select '<img src=x onerror=alert(1)>' as hostile")
        wait_for(browser, "form button.main")[0].click()
        assert text_of(browser, "tbody th") == "<img src=x onerror=alert(1)>"
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
    with page(served, tmp_path / "log") as port:
        browser.get(f"http://127.0.0.1:{port}/")
        wait_for(browser, "#key")
        judge(browser, "sign in")
        press(browser, served.keys["operator"], Keys.ENTER)
        for view, landmark in VIEWS.items():
            browser.get(f"http://127.0.0.1:{port}/{view}")
            wait_for(browser, landmark)
            judge(browser, view)
            reach_everything(browser, view)
        open_named(browser, "Report")
        assert "missing" in text_of(browser, "main pre")
        judge(browser, "report")
        reach_everything(browser, "report")
        open_named(browser, "Pipelines")
        wait_for(browser, "main a")
        open_named(browser, "orders")
        wait_for(browser, "main details")
        open_named(browser, "Reconcile")
        WebDriverWait(browser, PATIENCE_S).until(lambda driver: "queued" in text_of(driver, "[aria-label=Job]"))
        judge(browser, "a job that is followed")
    asked = jobs.page(None, 1)[0]
    assert (asked.kind, asked.arguments) == ("reconcile", {"pipelines": ["orders"], "mode": "full"})


def test_a_plan_with_changes_waiting_dead_letters_and_rows_are_accessible_and_letters_are_replayed(
    browser: webdriver.Chrome, mongo: str, tmp_path: Path
) -> None:
    world = lettered_world(tmp_path, mongo)
    world.spec(mode="history")
    served = serve(tmp_path)
    with page(served, tmp_path / "log") as port:
        browser.get(f"http://127.0.0.1:{port}/#/pipelines/orders")
        wait_for(browser, "#key")
        press(browser, served.keys["operator"], Keys.ENTER)
        wait_for(browser, "main details")
        assert "replace orders/history" in text_of(browser, "[aria-label=Plan]")
        assert "message-not-json" in text_of(browser, "main")
        assert "oplake apply --allow-replace" in text_of(browser, "main")
        judge(browser, "a plan with changes, and dead letters")
        open_named(browser, "Replay")
        WebDriverWait(browser, PATIENCE_S).until(lambda driver: "queued" in text_of(driver, "[aria-label=Job]"))
        browser.get(f"http://127.0.0.1:{port}/#/query")
        wait_for(browser, "#sql")
        open_named(browser, "Run")
        assert "k0" in text_of(browser, "tbody")
        judge(browser, "rows of a query")
        reach_everything(browser, "rows of a query")
    (asked,) = served.app.state.service.jobs.page(None, 9)
    assert (asked.kind, asked.arguments) == ("replay", {"pipeline": "orders"})
