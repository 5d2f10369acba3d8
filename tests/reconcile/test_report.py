"""Reports: one document in four forms, none of which can be made to do what a document says."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import jsonschema
import pytest

from engine.reconcile.report import SCHEMA_NAME, Report, report_of, schema_text
from engine.reconcile.report_markdown import markdown
from engine.reconcile.report_page import LONGEST_VALUE, MOST_FINDINGS, page
from engine.reconcile.tallies import Bar, by_bucket, by_field, by_time
from engine.spec.assets import asset_folder
from tests.reconcile.reports import HOSTILE, difference, finding, hostile, of_many, result

VOID = {"meta", "img", "br", "link", "rect"}


class Page(HTMLParser):
    """The tags and the text of a page, whose tags have to be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_published_schema_is_what_the_models_say() -> None:
    published = (asset_folder("schemas") / SCHEMA_NAME).read_text(encoding="utf-8")
    assert published == schema_text(), "run `oplake schema`"


@pytest.mark.parametrize("report", [of_many(0), of_many(3), hostile()])
def test_a_report_is_what_its_schema_says_and_can_be_read_again(report: Report) -> None:
    plain = json.loads(report.to_json())
    jsonschema.Draft202012Validator(json.loads(schema_text())).validate(plain)
    assert Report.model_validate(plain) == report


def test_the_gravest_table_decides() -> None:
    clean, late, wrong = (result(found) for found in ([], [finding("1", "in_flight")], [finding("1", "extra")]))
    assert [report_of(tables).exit_code for tables in ([clean], [clean, late], [late, wrong, clean])] == [0, 6, 5]


def test_what_a_document_says_is_shown_and_never_done() -> None:
    read = Page(page(hostile()))
    assert not {"script", "img", "a", "iframe", "link"} & set(read.tags)
    assert not [name for name, _ in read.attributes if name.startswith("on") or name in ("src", "href")]
    assert read.text.count(HOSTILE) >= 5
    assert "49" not in read.text.replace("49,", "")


def test_a_page_needs_no_other_host() -> None:
    text = page(of_many(3))
    assert not re.findall(r"https?:|//[a-z]|url\(|@import", text)
    assert not {name for name, _ in Page(text).attributes} & {"src", "href", "srcset", "data", "action"}
    assert "default-src 'none'" in text


def test_a_long_value_is_cut_and_says_so() -> None:
    text = page(hostile())
    assert "x" * (LONGEST_VALUE + 1) not in text
    assert "more characters" in text


@pytest.mark.parametrize("count", [0, 3, 10_000])
def test_a_page_of_any_number_of_findings_is_whole_and_bounded(count: int) -> None:
    text = page(of_many(count))
    read = Page(text)
    assert text.count('<span class="verdict ') == min(count, MOST_FINDINGS)
    assert ("more documents are not listed" in read.text) == (count > MOST_FINDINGS)
    assert read.tags.count("svg") == (3 if count else 0)
    assert len(text) < 2_000_000


def test_markdown_shows_what_a_document_says_as_text() -> None:
    text = markdown(hostile())
    assert "<script" not in text
    assert "](javascript" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {3, 7}


def test_markdown_says_how_many_it_leaves_out() -> None:
    assert "950 more documents" in markdown(of_many(1000))
    assert "more documents" not in markdown(of_many(50))


def test_fields_are_counted_a_document_whatever_element_differs() -> None:
    many = [difference(f"items.{number}.7.sku", "1", "2") for number in range(5)]
    report = report_of([result([finding("a", differences=many), finding("b", "missing"), finding("c", "in_flight")])])
    assert by_field(report.tables[0].findings) == [Bar("(missing)", 1), Bar("items.*.*.sku", 1)]


def test_every_finding_is_in_one_bar_of_time_and_of_chunks() -> None:
    (table,) = of_many(2000).tables
    assert sum(bar.count for bar in by_time(table.findings)) == 2000
    assert sum(bar.count for bar in by_bucket(table.findings, table.buckets)) == 2000
    assert len(by_time(table.findings)) <= 25
    assert len(by_bucket(table.findings, table.buckets)) <= 24
