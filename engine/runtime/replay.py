"""Brings dead letters into their tables, once what was wrong with the decoder or the spec has been put right."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from engine.lake.change_log import ChangeLog
from engine.lake.dead_letters import DeadLetters, Place
from engine.runtime.appending import Appender
from engine.runtime.jobs import TableJob
from engine.runtime.reports import Report
from engine.runtime.sources import topic_of
from engine.source.debezium import Change, Undecodable, parse_message
from engine.source.kafka_position import time_name
from engine.source.partition_order import NOTHING_YET, PartitionOrder
from engine.source.pending import Pending

REPLAYS = "replays"
"""A position of its own: how often dead letters were replayed into a log. Two replays at once fence each other."""

Letter: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the dead letters that were waiting."""

    appended: int = 0
    """Changes that are in their table now, or were there already."""
    passed_over: int = 0
    """Records that change no document."""
    still_dead: int = 0
    """Records that cannot be decoded yet."""
    homeless: int = 0
    """Records of topics that no table of the pipeline is read from any more."""

    def __add__(self, other: Replayed) -> Replayed:
        return Replayed(
            self.appended + other.appended,
            self.passed_over + other.passed_over,
            self.still_dead + other.still_dead,
            self.homeless + other.homeless,
        )


def replay(jobs: Sequence[TableJob], letters: DeadLetters) -> Replayed:
    """Decode what waits once more and append it to its tables; safe to repeat, and while workers run.

    A replay that is cut off between the two commits finds its changes in the log the next time, and leaves
    them out.

    Raises:
        CommitConflict: a worker or another replay was in the way; replay again.
        TypeConflict: a value does not fit its column and the spec says ``on_conflict: fail``.
        LakeError: a table cannot be read or written.
    """
    by_topic = {topic_of(job): job for job in jobs}
    total = Replayed()
    for topic, rows in _by_topic(letters.read(waiting=True).to_pylist()):
        job = by_topic.get(topic)
        if job is None:
            total += Replayed(homeless=len(rows))
            continue
        for start in range(0, len(rows), job.pipeline.batch.max_rows):
            total += _replay_some(job, letters, rows[start : start + job.pipeline.batch.max_rows])
    return total


def _by_topic(rows: Sequence[Letter]) -> Iterator[tuple[str, list[Letter]]]:
    for topic, group in groupby(rows, key=itemgetter("topic")):
        yield topic, list(group)


def _replay_some(job: TableJob, letters: DeadLetters, rows: Sequence[Letter]) -> Replayed:
    pending = Pending(len(rows), sys.maxsize)
    done: list[Place] = []
    orders: set[str] = set()
    times: dict[int, int] = {}
    for row in rows:
        parsed = parse_message(row["key"], row["value"], job.namespace)
        if isinstance(parsed, Undecodable):
            continue
        done.append((row["topic"], row["partition"], row["offset"]))
        if isinstance(parsed, Change):
            place = PartitionOrder(row["partition"], row["reached"])
            order = place.order(parsed, row["offset"])
            pending.add(parsed.operation, order, parsed.source_time_us, parsed.key, parsed.document)
            orders.add(order)
            times[row["partition"]] = max(place.newest, times.get(row["partition"], NOTHING_YET))
    if pending:
        _append(job, pending, orders, times)
    letters.mark_replayed(done, datetime.now(UTC))
    return Replayed(len(pending), len(done) - len(pending), len(rows) - len(done))


def _append(job: TableJob, pending: Pending, orders: Set[str], times: Mapping[int, int]) -> None:
    """Append what the log has not got, and tell those who read these partitions that it may come again.

    A worker knows by the greatest time of a partition's rows what it has to look up. So that time moves in the
    same commit; a worker that holds an older one cannot commit, and opens the log again.
    """
    log = ChangeLog.open(job.paths.changes, job.target.lake.storage_options())
    committed = log.position()
    position = {REPLAYS: committed.get(REPLAYS, 0) + 1}
    for partition, time in times.items():
        name = time_name(partition)
        position[name] = max(time, committed.get(name, NOTHING_YET))
    batch = pending.batch(position, encoding="extended_json", suspects=frozenset(orders))
    Appender(job, Report(job.table, job.pipeline.pipeline)).append(log, batch)
