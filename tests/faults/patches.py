"""Ways to make a process wrong, or slow, on purpose. Applied to processes of the tests, never to the tests' own."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Mapping, Set

import pyarrow as pa

from engine.errors import CommitConflict
from engine.lake.change_log import ChangeLog
from engine.runtime.appending import Appender
from engine.source.batch import Batch, Position
from engine.telemetry import crash_points
from engine.telemetry.logs import logger

HALFWAY = "half of it committed"
LATE = "append is late"
NAP = "OPLAKE_TEST_NAP_S"
WINDOW_S = 0.2
AGES_S = 60.0

_append = ChangeLog.append


def _pause_halfway() -> None:
    """Wide enough for a kill to fall into it however busy the machine is."""
    logger().info(HALFWAY)
    time.sleep(WINDOW_S)


def rows_before_position() -> None:
    """Commit the rows, and the position in a second commit: at least once."""

    def append(log: ChangeLog, rows: pa.Table, position: Position) -> int:
        _append(log, rows, {})
        _pause_halfway()
        return _append(log, rows.slice(0, 0), position)

    ChangeLog.append = append  # type: ignore[method-assign]


def position_before_rows() -> None:
    """Commit the position, and the rows in a second commit: at most once."""

    def append(log: ChangeLog, rows: pa.Table, position: Position) -> int:
        _append(log, rows.slice(0, 0), position)
        _pause_halfway()
        return _append(log, rows, {})

    ChangeLog.append = append  # type: ignore[method-assign]


def failed_commits_passed_over() -> None:
    """Go on with the next batch when the store refused one."""
    append = Appender.append

    def append_or_not(appender: Appender, log: ChangeLog, batch: Batch) -> None:
        try:
            append(appender, log, batch)
        except CommitConflict as conflict:
            logger().warning("passed over", what=conflict.what)

    Appender.append = append_or_not  # type: ignore[method-assign]


def slow_appends() -> None:
    """A store that takes for ever."""

    def append(log: ChangeLog, rows: pa.Table, position: Position) -> int:
        time.sleep(AGES_S)
        return _append(log, rows, position)

    ChangeLog.append = append  # type: ignore[method-assign]


def late_append() -> None:
    """The second append stands still for a while, and the process lives on; ``NAP`` says for how many seconds."""
    nap_s, appended = float(os.environ[NAP]), []

    def append(log: ChangeLog, rows: pa.Table, position: Position) -> int:
        appended.append(len(rows))
        if len(appended) == 2:
            logger().info(LATE)
            time.sleep(nap_s)
        return _append(log, rows, position)

    ChangeLog.append = append  # type: ignore[method-assign]


def no_memory_of_changes() -> None:
    """Take every change for a new one."""

    def without(batch: Batch, _known: Set[str]) -> Batch:
        return batch

    Batch.without = without  # type: ignore[method-assign]


def late_changes_are_repetitions() -> None:
    """Take every change that does not come in its order for one that was told before."""

    def without(batch: Batch, _known: Set[str]) -> Batch:
        return batch.take([row for row, order in enumerate(batch.orders) if order not in batch.suspects])

    Batch.without = without  # type: ignore[method-assign]


def one_log_for_ever() -> None:
    """Go on, when partitions come back, from where they were when they went; and no snapshot fences."""
    from engine.runtime.worker import Worker  # noqa: PLC0415  imports what most processes do not need

    first_open = Worker._open_log
    opened: list[ChangeLog] = []

    def open_once(worker: Worker) -> ChangeLog:
        if not opened:
            opened.append(first_open(worker))
        return opened[0]

    Worker._open_log = open_once  # type: ignore[method-assign]
    _append_to_the_newest()


def offsets_of_another_topic() -> None:
    """Go to offsets that the topic does not have, as when they are deleted just before they are read."""
    from engine.source.kafka_group import Membership  # noqa: PLC0415  only where Kafka is

    rewind = Membership.rewind

    def beyond(membership: Membership, offsets: Mapping[int, int]) -> None:
        rewind(membership, dict.fromkeys(offsets, 10**9))

    Membership.rewind = beyond  # type: ignore[method-assign]


def freeze_instead() -> None:
    """Stand still at the named point instead of dying there, until somebody sends SIGCONT."""
    crash_points.DEATH = signal.SIGSTOP


def freeze_without_fence() -> None:
    """The same, with appends that trust the newest table instead of the one they held."""
    freeze_instead()
    _append_to_the_newest()


def _append_to_the_newest() -> None:
    def append(log: ChangeLog, rows: pa.Table, position: Position) -> int:
        crash_points.reach("without a fence")
        newest = ChangeLog.open(log.uri)
        version = _append(newest, in_columns_of(rows, newest), position)
        log._position.update(position)
        return version

    def in_columns_of(rows: pa.Table, newest: ChangeLog) -> pa.Table:
        return rows.select([name for name in rows.column_names if name in newest._schema.names])

    ChangeLog.append = append  # type: ignore[method-assign]
    ChangeLog._moved = lambda _log, position: dict(position)  # type: ignore[method-assign]


def broken_decoder() -> None:
    """A decoder that understands nothing."""
    from engine.source.debezium import Undecodable  # noqa: PLC0415  only where Kafka is
    from engine.source.plain_changes import Messages  # noqa: PLC0415

    Messages.cut = lambda _, keys, __: [len(keys)]  # type: ignore[method-assign]
    Messages.parse = lambda *_: Undecodable("not-understood", "a test")  # type: ignore[method-assign]


def elsewhere() -> None:
    """Be a process of another host, and say often that it lives."""
    from engine.reconcile import heartbeat  # noqa: PLC0415 - for one test alone

    socket.gethostname = lambda: "elsewhere"
    heartbeat.HEARD_EVERY_S = 0.1


def no_retries() -> None:
    """Let a Ray cluster run a chunk once, whatever becomes of its node."""
    from engine.reconcile import ray_executor  # noqa: PLC0415 - for one test alone

    ray_executor.RETRIES = 0
