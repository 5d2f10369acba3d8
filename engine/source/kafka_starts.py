"""Where the partitions of a topic are read from, once it is sure that nothing between is missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.source.kafka_errors import records_gone
from engine.source.kafka_position import PartitionPosition
from engine.source.kafka_topic import TopicView


def starts_of(
    view: TopicView,
    topic_id: int,
    owned: Collection[int],
    committed: Mapping[int, PartitionPosition],
    *,
    begin_with_data: bool,
) -> dict[int, int]:
    """Partition -> the offset to read it from: the committed one, or the beginning where none is committed.

    Args:
        begin_with_data: whether a table begins with the topic's very first record, so that it has to be there.

    Raises:
        ResumePointLost: records after the committed position are gone.
        SourceUnreachable, SourceError: the brokers do not tell where partitions begin and end.
    """
    begins, ends = view.begins(owned), view.ends(owned)
    starts: dict[int, int] = {}
    for partition in sorted(owned):
        place = committed.get(partition, PartitionPosition())
        where = f"partition {partition}"
        if place.topic is not None and place.topic != topic_id:
            raise records_gone(view.name, "the topic was deleted and made again")
        first = place.offset if place.offset is not None else 0 if begin_with_data else begins[partition]
        if begins[partition] > first:
            raise records_gone(view.name, f"{where} stands at offset {first} and begins at {begins[partition]}")
        if first > ends[partition]:
            raise records_gone(view.name, f"{where} stands at offset {first} and ends at {ends[partition]}")
        starts[partition] = first
    return starts
