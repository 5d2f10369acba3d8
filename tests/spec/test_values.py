"""Durations, sizes and types, and how a wrong value is explained."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.spec.quantities import (
    DURATION_PATTERN,
    SIZE_PATTERN,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)
from tests.spec.projects import PIPELINE, problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("60s", timedelta(minutes=1)),
        ("5m", timedelta(minutes=5)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, value: timedelta) -> None:
    assert parse_duration(text) == value


@pytest.mark.parametrize(
    "text", ["60", "s", "-1s", "1.5h", "60 s", "1w", "٣s", "", "0s", "99999d", 60, None, True, [1]]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"duration|nothing"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("1B", 1), ("512KiB", 512 << 10), ("64MiB", 64 << 20), ("1GiB", 1 << 30), (1000, 1000)]
)
def test_a_size_is_a_number_and_a_unit_or_bytes(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["64MB", "64", "64 MiB", "1TiB", "1.5GiB", "0B", "17GiB", 0, -1, 1.5, None, True])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"size|nothing"):
        parse_size(text)


@given(st.integers(1, 10**9).map(lambda number: timedelta(milliseconds=number)))
def test_a_duration_is_read_as_it_was_written(value: timedelta) -> None:
    assert parse_duration(format_duration(value)) == value
    assert re.fullmatch(DURATION_PATTERN, format_duration(value))


@given(st.integers(1, 1 << 34))
def test_a_size_is_read_as_it_was_written(value: int) -> None:
    assert parse_size(format_size(value)) == value
    assert re.fullmatch(SIZE_PATTERN, format_size(value))


@pytest.mark.parametrize(
    ("spec", "message", "suggestion"),
    [
        ("table: {fold: {every: 60 sec}}", "`every` is no duration", "did you mean `60s`?"),
        ("table: {fold: {every: 5 minutes}}", "`every` is no duration", "did you mean `5m`?"),
        ("table: {fold: {every: 7}}", "`every` is no duration", "add a unit: 7ms, 7s, 7m, 7h, 7d"),
        ("batch: {max_bytes: 64 mb}", "`max_bytes` is no size", "did you mean `64MiB`?"),
        ("batch: {max_rows: 0}", "`max_rows` has to be at least 1", ""),
        ("batch: {max_rows: 99999999}", "`max_rows` can be at most 10,000,000", ""),
        ("batch: {max_rows: 1.5}", "`max_rows` has to be a whole number, not a decimal number", ""),
        ("batch: {max_rows: true}", "`max_rows` has to be a whole number, not true or false", ""),
        (
            "batch: [1]",
            "`batch` has to be a mapping (`key: value`), not a list",
            "write `key: value` lines below `batch`, without `- `",
        ),
        ("table: {mode: true}", "`mode` cannot be `true`", "choose one of current, history, changes"),
        ("table: {mode: [current]}", "`mode` cannot be a list", "choose one of current, history, changes"),
        (
            "table: {mode: Current}",
            "`mode` cannot be `Current`",
            "did you mean `current`? choose one of current, history, changes",
        ),
        ("table: {fields: {a: {as: mpa}}}", "`as` cannot be `mpa`", "did you mean `map`?"),
        ("table: {fields: {a: {type: 5}}}", "`type` has to be text", "write one of string, objectId"),
        ("table: {fields: {a: int64}}", "`a` has to be a mapping (`key: value`), not text", "write `{type: int64}`"),
        ("table: {fields: {a: map}}", "`a` has to be a mapping (`key: value`), not text", "write `{as: map}`"),
        (
            "table: {fields: [a]}",
            "`fields` has to be a mapping (`key: value`), not a list",
            "write `key: value` lines below `fields`",
        ),
        ("table: {fields: {a: {type: varchar}}}", "`type` names the unknown type `varchar`", "did you mean `string`?"),
        (
            "table: {fields: {a: {type: Objectid}}}",
            "`type` names the unknown type `Objectid`",
            "did you mean `objectId`?",
        ),
        (
            "table: {fields: {a: {type: list<int>}}}",
            "`type` names the unknown type `list<int>`",
            "did you mean `int32`?",
        ),
        ("table: {fields: {a: {type: list<int32}}}", "`type` names the unknown type `list<int32`", "types are string"),
        (
            "table: {partition_by: _ingestion_date}",
            "`partition_by` has to be a list, not text",
            "write `[_ingestion_date]`",
        ),
        ("table: {name: Users}", "`name` cannot be `Users`: lower-case letters", "write `users`"),
        (
            "table: {name: users__current}",
            "`name` ends in `__current`, as the views of another table do",
            "write `users`",
        ),
        ("table: {name: 'a}b{pipeline'}", "`name` holds a brace that is not part of a placeholder", "placeholders are"),
        ("table:", "`table` has no value", "write `table: {}` for all defaults, or delete the key"),
        ("table: {mode: }", "`mode` has no value", "write a value, or delete the key"),
        ("table: {partition_by: [_ingestion_date, ]}\nx: 1", "unknown key `x`", "known here: pipeline, target"),
        ("table: {maintenance: {z_order: [a, ~]}}", "this item of the list is empty", "delete it or write a value"),
        ("on_conflict: fail", "unknown key `on_conflict`", "it belongs under `table`"),
        ("retain: 7d", "unknown key `retain`", "it belongs under `table.maintenance.vacuum`"),
        ("table: {pipeline: x}", "unknown key `pipeline` in `table`", "it belongs to the top level"),
    ],
)
def test_a_wrong_value_says_what_was_meant(spec: str, message: str, suggestion: str, tmp_path: Path) -> None:
    [found] = problems(tmp_path, {"pipelines/p.yaml": PIPELINE + spec + "\n"})
    assert found.message.startswith(message)
    assert found.suggestion.startswith(suggestion)
    assert bool(found.suggestion) == bool(suggestion)


def test_a_spec_that_is_no_mapping_is_told(tmp_path: Path) -> None:
    [found] = problems(tmp_path, {"pipelines/p.yaml": "- pipeline: users\n"})
    assert found.message == "a spec has to be a mapping (`key: value`), not a list"
    assert found.suggestion == "delete the leading `- `"
