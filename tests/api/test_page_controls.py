"""What cannot be undone is asked for once more on the page, and then once: cancelling a job, dropping dead letters."""

from __future__ import annotations

from pathlib import Path

import pytest
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
from tests.api.test_jobs import worker

pytestmark = MARKS
ENABLED = "return [...document.querySelectorAll('main button:enabled')].map((one) => one.textContent)"


@pytest.fixture
def lettered(tmp_path: Path, mongo: str) -> Served:
    """A project with a record that could not be decoded."""
    lettered_world(tmp_path, mongo)
    return serve(tmp_path)


def sign_in(browser: webdriver.Chrome, served: Served, port: int, role: str, view: str, landmark: str) -> None:
    browser.get(f"http://127.0.0.1:{port}/")
    browser.execute_script("sessionStorage.clear()")
    browser.get(f"http://127.0.0.1:{port}/{view}")
    browser.refresh()
    wait_for(browser, "#key")
    press(browser, served.keys[role], Keys.ENTER)
    wait_for(browser, landmark)


def until_told(browser: webdriver.Chrome, selector: str, wanted: str) -> None:
    WebDriverWait(browser, PATIENCE_S).until(lambda driver: wanted in text_of(driver, selector))


def test_a_job_is_cancelled_after_a_question_by_those_who_may_and_with_the_keyboard(
    browser: webdriver.Chrome, served: Served, tmp_path: Path
) -> None:
    jobs = served.app.state.service.jobs
    job = jobs.ask("reconcile", {"pipelines": ["orders"], "mode": "full"}, "someone")
    with page(served, tmp_path / "log") as port:
        sign_in(browser, served, port, "viewer", "#/jobs", f"#cancel-{job.id}")
        assert browser.execute_script(ENABLED) == []
        sign_in(browser, served, port, "operator", "#/jobs", f"#cancel-{job.id}")
        open_named(browser, "Cancel")
        assert "It never begins" in text_of(browser, ".confirm")
        judge(browser, "a question")
        reach_everything(browser, "a question")
        open_named(browser, "Keep")
        assert browser.execute_script("return document.activeElement.id") == f"cancel-{job.id}"
        open_named(browser, "Cancel")
        press(browser, Keys.ESCAPE)
        assert browser.execute_script("return document.querySelector('.confirm')") is None
        assert jobs.get(job.id).status == "queued"
        open_named(browser, "Cancel")
        open_named(browser, "Cancel the job")
        until_told(browser, "main", f"Job {job.id}: cancelled.")
        judge(browser, "a cancelled job")
    assert jobs.get(job.id).status == "cancelled"


def test_dead_letters_are_dropped_after_a_question_once_however_often_it_is_answered(
    browser: webdriver.Chrome, lettered: Served, tmp_path: Path
) -> None:
    jobs = lettered.app.state.service.jobs
    with page(lettered, tmp_path / "log") as port:
        sign_in(browser, lettered, port, "operator", "#/pipelines/orders", "#drop")
        assert "Drop" not in browser.execute_script(ENABLED)
        sign_in(browser, lettered, port, "admin", "#/pipelines/orders", "#drop")
        open_named(browser, "Drop")
        assert "Delete 1 record for good?" in text_of(browser, ".confirm")
        judge(browser, "a question")
        open_named(browser, "Keep")
        assert browser.execute_script("return document.activeElement.id") == "drop"
        assert list(jobs.page(None, 9)) == []
        open_named(browser, "Drop")
        wait_for(browser, ".confirm .danger")
        twice = "const one = document.querySelector('.confirm .danger'); one.click(); one.disabled = false; one.click()"
        browser.execute_script(twice)
        until_told(browser, "[aria-label=Job]", "queued")
        with worker(lettered.root):
            until_told(browser, "main", "None wait")
        judge(browser, "dropped")
    (asked,) = jobs.page(None, 9)
    assert (asked.kind, asked.result) == ("drop-dead-letters", {"dropped": 1})
