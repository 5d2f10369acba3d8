"""How far the partitions of a topic are read, as the integers that are committed with the rows (docs/protocol.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.source.batch import Position

_NAME = re.compile(r"kafka\.(?:(time|topic)\.)?(\d+)")


@dataclass(frozen=True, slots=True)
class PartitionPosition:
    """The place between two records of one partition."""

    offset: int | None = None
    """The next offset; None when nothing of the partition is committed: it is read from its beginning."""
    time: int | None = None
    """The greatest packed cluster time of a row; only changes at or before it can be there already."""
    topic: int | None = None
    """Which topic of that name: one that was deleted and made again has another id."""


def partition_positions(position: Position) -> dict[int, PartitionPosition]:
    """Partition -> its place; names that are not Kafka's are passed over."""
    parts: dict[int, dict[str, int]] = {}
    for name, value in position.items():
        match = _NAME.fullmatch(name)
        if match is not None:
            parts.setdefault(int(match[2]), {})[match[1] or "offset"] = value
    return {partition: PartitionPosition(**values) for partition, values in sorted(parts.items())}


def time_name(partition: int) -> str:
    """The name of a partition's greatest cluster time."""
    return f"kafka.time.{partition}"


def as_position(partitions: Mapping[int, PartitionPosition]) -> Position:
    """What is to be committed: nothing of a partition that is not read yet."""
    position: dict[str, int] = {}
    for partition, place in partitions.items():
        if place.offset is not None:
            position[f"kafka.{partition}"] = place.offset
        if place.time is not None:
            position[time_name(partition)] = place.time
        if place.topic is not None and place.offset is not None:
            position[f"kafka.topic.{partition}"] = place.topic
    return position
