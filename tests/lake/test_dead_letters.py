"""Dead letters are kept once, counted by the hour, and gone only when somebody says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import CommitConflict, TooManyDeadLetters
from engine.lake.dead_letters import DeadLetters
from engine.source.batch import Rejected

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rejected(offset: int, partition: int = 0, topic: str = "it's a topic") -> Rejected:
    return Rejected(topic, partition, offset, 1_795_521_600_000, b"key", b"\0value", "message-not-json", "why", 5)


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(str(tmp_path / "things/_dead_letters"))


def offsets(letters: DeadLetters, *, waiting: bool = False) -> list[tuple[int, int]]:
    rows = letters.read(waiting=waiting, with_content=False).to_pylist()
    return [(row["partition"], row["offset"]) for row in rows]


def test_a_record_that_is_read_again_is_kept_once(letters: DeadLetters) -> None:
    assert letters.keep([rejected(1), rejected(2)], NOON, budget=10) == 2

    assert letters.keep([rejected(2), rejected(3), rejected(3), rejected(2, partition=1)], NOON, budget=10) == 2

    assert offsets(letters) == [(0, 1), (0, 2), (0, 3), (1, 2)]


def test_bytes_and_times_come_back(letters: DeadLetters) -> None:
    letters.keep([rejected(1)], NOON, budget=1)

    (row,) = letters.read().to_pylist()

    assert (row["key"], row["value"]) == (b"key", b"\0value")
    assert (row["written_at"], row["rejected_at"], row["replayed_at"]) == (NOON, NOON, None)
    assert row["reached"] == 5


def test_the_budget_is_for_an_hour_and_refuses_all_or_none(letters: DeadLetters) -> None:
    letters.keep([rejected(1), rejected(2)], NOON, budget=3)

    with pytest.raises(TooManyDeadLetters) as refused:
        letters.keep([rejected(3), rejected(4)], NOON + HOUR / 2, budget=3)
    assert "offset 3" in refused.value.where
    assert len(offsets(letters)) == 2

    assert letters.keep([rejected(3), rejected(4)], NOON + HOUR, budget=3) == 2


def test_a_budget_of_nothing_refuses_the_first(letters: DeadLetters) -> None:
    with pytest.raises(TooManyDeadLetters):
        letters.keep([rejected(1)], NOON, budget=0)

    assert offsets(letters) == []


def test_replayed_letters_wait_no_more_and_may_be_dropped_alone(letters: DeadLetters) -> None:
    letters.keep([rejected(1), rejected(2), rejected(1, partition=1), rejected(1, topic="another")], NOON, budget=10)

    letters.mark_replayed([("it's a topic", 0, 1), ("it's a topic", 1, 1)], NOON)

    assert offsets(letters, waiting=True) == [(0, 1), (0, 2)]
    assert letters.drop(replayed_only=True) == 2
    assert len(offsets(letters)) == 2
    assert letters.drop(replayed_only=False) == 2
    assert offsets(letters) == []


def test_two_workers_that_keep_the_same_record_at_once_keep_it_once(
    letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters.keep([rejected(1)], NOON, budget=10)
    rival = DeadLetters(letters.uri)

    def in_between(name: str) -> None:
        if name == "lake.dead_letters.before_commit":
            monkeypatch.undo()
            rival.keep([rejected(2)], NOON, budget=10)

    monkeypatch.setattr("engine.lake.dead_letters.reach", in_between)

    with pytest.raises(CommitConflict):
        letters.keep([rejected(2)], NOON, budget=10)
    assert offsets(letters) == [(0, 1), (0, 2)]


def test_nothing_was_ever_kept(letters: DeadLetters) -> None:
    assert offsets(letters) == []
    assert letters.drop(replayed_only=False) == 0
    letters.mark_replayed([("topic", 0, 1)], NOON)
