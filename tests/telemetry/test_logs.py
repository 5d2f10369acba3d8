"""Logs are one JSON object a line and can hold neither documents nor secrets (INV-9)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from engine.secrets.secret import Secret
from engine.telemetry.logs import MAX_TEXT_LENGTH, configure, logger


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    made = io.StringIO()
    configure(made, as_json=True)
    yield made
    structlog.reset_defaults()


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_when_how_bad_and_what_first(stream: io.StringIO) -> None:
    logger(table="orders").info("batch appended", rows=3, lag_s=0.5, position={"stream.time": 7})

    (line,) = written(stream)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line["table"] == "orders"
    assert (line["rows"], line["lag_s"], line["position"]) == (3, 0.5, {"stream.time": 7})


def test_each_line_is_written_whole(stream: io.StringIO) -> None:
    for number in range(3):
        logger().warning("line\nbreak", number=number)

    assert [line["number"] for line in written(stream)] == [0, 1, 2]


@pytest.mark.parametrize(
    "value",
    [
        {"email": "ada@example.org"},
        ["ada@example.org"],
        b"ada@example.org",
        Secret("ada@example.org"),
        ValueError("ada@example.org"),
    ],
)
def test_documents_secrets_and_foreign_errors_are_named_by_their_type_only(stream: io.StringIO, value: object) -> None:
    logger().info("something", value=value)

    assert "ada" not in stream.getvalue()


def test_numbers_by_name_are_kept_and_everything_else_inside_a_mapping_is_dropped(stream: io.StringIO) -> None:
    logger().info("something", counts={"conflict": 2, "name": "Ada"})

    assert written(stream)[0]["counts"] == {"conflict": 2}


def test_a_text_has_a_longest_length(stream: io.StringIO) -> None:
    logger().info("something", where="x" * 10 * MAX_TEXT_LENGTH)

    assert len(written(stream)[0]["where"]) == MAX_TEXT_LENGTH + 1


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    configure(stream, as_json=False, level="warning")
    logger().info("quiet")
    logger().warning("loud")
    structlog.reset_defaults()

    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()
