"""A position as people read it, on either transport."""

from __future__ import annotations

from bson import Timestamp

from engine.resources.table_status import position_text
from engine.source.cluster_time import pack

NOON = pack(Timestamp(1_795_521_600, 7))


def test_a_stream_stands_at_a_time() -> None:
    position = {"snapshot.time": NOON, "snapshot.done": 1, "stream.time": NOON, "stream.index": 1}

    assert position_text(position) == "2026-11-24 12:00:00 UTC"


def test_a_topic_stands_at_its_newest_time_and_at_offsets() -> None:
    position = {"kafka.0": 1200, "kafka.time.0": NOON, "kafka.topic.0": 5, "kafka.1": 34, "replays": 2}

    assert position_text(position) == "2026-11-24 12:00:00 UTC, 1,234 offsets in 2 partitions"


def test_a_topic_that_only_had_a_snapshot_has_no_time_yet() -> None:
    assert position_text({"kafka.0": 12}) == "12 offsets in 1 partition"


def test_a_table_of_which_nothing_was_read_has_not_started() -> None:
    assert position_text({}) == "not started"
