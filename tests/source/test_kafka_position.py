"""Places in a topic survive as the integers that a commit carries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.source.kafka_position import PartitionPosition, as_position, partition_positions

some_integer = st.integers(0, 2**63 - 1)
some_place = st.builds(PartitionPosition, some_integer, st.none() | some_integer, st.none() | some_integer)


@given(st.dictionaries(st.integers(0, 10_000), some_place))
def test_what_is_committed_is_read_again(partitions: dict[int, PartitionPosition]) -> None:
    assert partition_positions(as_position(partitions)) == partitions


def test_names_of_other_sources_are_passed_over() -> None:
    position = {"stream.time": 3, "replays": 1, "kafka.x": 2, "kafka.other.1": 4, "kafka.5": 6}

    assert partition_positions(position) == {5: PartitionPosition(6)}


def test_a_partition_that_was_not_read_has_no_offset_to_commit() -> None:
    assert as_position({3: PartitionPosition(None, None, 9)}) == {}
