"""Logs are one JSON object a line and can hold neither documents nor secrets (INV-9)."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import structlog

from engine.secrets.secret import Secret
from engine.telemetry.logs import MAX_TEXT_LENGTH, configure, logger


def written(logged: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logged.getvalue().splitlines()]


def test_a_line_says_when_how_bad_and_what_first(logged: io.StringIO) -> None:
    logger(table="orders").info("batch appended", rows=3, lag_s=0.5, position={"stream.time": 7})

    (line,) = written(logged)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line["table"] == "orders"
    assert (line["rows"], line["lag_s"], line["position"]) == (3, 0.5, {"stream.time": 7})


def test_each_line_is_written_whole(logged: io.StringIO) -> None:
    for number in range(3):
        logger().warning("line\nbreak", number=number)

    assert [line["number"] for line in written(logged)] == [0, 1, 2]


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
def test_documents_secrets_and_foreign_errors_are_named_by_their_type_only(logged: io.StringIO, value: object) -> None:
    logger().info("something", value=value)

    assert "ada" not in logged.getvalue()


def test_numbers_by_name_are_kept_and_everything_else_inside_a_mapping_is_dropped(logged: io.StringIO) -> None:
    logger().info("something", counts={"conflict": 2, "name": "Ada"})

    assert written(logged)[0]["counts"] == {"conflict": 2}


def test_a_text_has_a_longest_length(logged: io.StringIO) -> None:
    logger().info("something", where="x" * 10 * MAX_TEXT_LENGTH)

    assert len(written(logged)[0]["where"]) == MAX_TEXT_LENGTH + 1


def test_what_is_below_the_level_is_not_written() -> None:
    logged = io.StringIO()
    configure(logged, as_json=False, level="warning")
    logger().info("quiet")
    logger().warning("loud")
    structlog.reset_defaults()

    assert "quiet" not in logged.getvalue()
    assert "loud" in logged.getvalue()
