"""The page of a report as a browser shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.reconcile.report import report_of
from engine.reconcile.report_page import page
from tests.api.browsing import MARKS, judge, open_browser
from tests.reconcile.reports import difference, finding, hostile, of_many, result

pytestmark = MARKS

LONG = '{"street":{"name":"a long street","no":{"$numberInt":"12"}},"city":"Zürich","zip":"8001"}'


def test_a_report_is_whole_and_readable_on_a_telephone_and_on_a_desk(tmp_path: Path) -> None:
    differences = [difference("a_field_of_a_long_name.12.and_more", LONG, None, "missing_field")]
    told = [finding("k1", differences=differences), finding("k2", "missing"), finding("k3", "skipped", reason="why")]
    incomplete = result([], problem="nothing is verified yet", remedy="reconcile it in full once", exit_code=6)
    reports = {"small": report_of([result(told), incomplete]), "hostile": hostile(), "many": of_many(60)}
    with open_browser() as browser:
        for name, report in reports.items():
            path = tmp_path / f"{name}.html"
            path.write_text(page(report))
            for width in (320, 390, 1280):
                metrics = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
                browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
                browser.get(path.as_uri())
                widest = browser.execute_script("return document.documentElement.scrollWidth")
                assert widest <= width, (name, width)
        browser.get((tmp_path / "small.html").as_uri())
        judge(browser, "report")
        assert browser.get_log("browser") == []


@pytest.mark.parametrize("verdict", ["missing", "in_flight"])
def test_a_finding_that_has_no_more_to_show_is_nothing_to_open(verdict: str) -> None:
    assert "<details" not in page(report_of([result([finding("k1", verdict)])]))
