"""Records of a pipeline that could not be decoded: kept as they came, until somebody replays or drops them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.errors import TooManyDeadLetters
from engine.lake.commit import append_rows
from engine.lake.delta_errors import committing, reading
from engine.lake.matching_rows import text_literal
from engine.lake.table_types import plain_table
from engine.source.batch import Rejected
from engine.telemetry.crash_points import reach

INSTANT = pa.timestamp("us", tz="UTC")
COLUMNS = pa.schema(
    [
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("written_at", INSTANT),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("code", pa.string()),
        ("detail", pa.string()),
        ("reached", pa.int64()),
        ("rejected_at", INSTANT),
        ("replayed_at", INSTANT),
    ]
)
"""``key`` and ``value`` are the bytes of the record; ``written_at`` is Kafka's time of it, ``reached`` the packed
cluster time that its partition had reached before it."""
BUDGET_SPAN = timedelta(hours=1)

Place: TypeAlias = tuple[str, int, int]
"""Topic, partition, offset."""


class DeadLetters:
    """The ``_dead_letters`` table of one pipeline; made when the first record is rejected."""

    def __init__(self, uri: str, storage_options: Mapping[str, str] | None = None) -> None:
        self.uri = uri
        self._options = dict(storage_options or {})

    def keep(self, rejected: Sequence[Rejected], now: datetime, budget: int) -> int:
        """Make the records durable, each once, however often they are read; returns how many are new.

        Has to be done before a position behind them is committed.

        Args:
            now: aware.
            budget: how many the table may take in ``BUDGET_SPAN``.

        Raises:
            TooManyDeadLetters: with these it would be more; none of them is written.
            CommitConflict: another worker keeps records of the same partition.
            LakeError: the table cannot be read or written.
        """
        table = self._opened() or self._created()
        known = _places(self._rows(table, ["topic", "partition", "offset"], _same_offsets(rejected)))
        fresh = {_place(one): one for one in rejected if _place(one) not in known}
        if not fresh:
            return 0
        recent = self._rows(table, ["rejected_at"], None).column("rejected_at")
        spent = pc.sum(pc.greater(recent, pa.scalar(now - BUDGET_SPAN, INSTANT))).as_py() or 0
        if spent + len(fresh) > budget:
            raise _over_budget(self.uri, fresh.values(), spent, budget)
        reach("lake.dead_letters.before_commit")
        append_rows(table, _as_rows(fresh.values(), now), _last_offsets(fresh))
        reach("lake.dead_letters.after_commit")
        return len(fresh)

    def read(self, *, waiting: bool = False, with_content: bool = True) -> pa.Table:
        """The dead letters (``COLUMNS``) in the order of their topics, partitions and offsets.

        Args:
            waiting: only those that were not replayed.
            with_content: whether ``key`` and ``value`` are read too.
        """
        names = [name for name in COLUMNS.names if with_content or name not in ("key", "value")]
        table = self._opened()
        if table is None:
            return pa.schema([COLUMNS.field(name) for name in names]).empty_table()
        rows = self._rows(table, names, "replayed_at IS NULL" if waiting else None)
        return rows.sort_by([(name, "ascending") for name in ("topic", "partition", "offset")])

    def mark_replayed(self, places: Iterable[Place], now: datetime) -> None:
        """Note that these are in their tables now.

        Raises:
            CommitConflict: a worker has added dead letters meanwhile; replay again, nothing is doubled.
        """
        table = self._opened()
        if table is None:
            return
        offsets: dict[tuple[str, int], list[int]] = {}
        for topic, partition, offset in places:
            offsets.setdefault((topic, partition), []).append(offset)
        moment = f"to_timestamp_micros({int(now.timestamp() * 1_000_000)})"
        with committing(self.uri):
            for (topic, partition), listed in offsets.items():
                among = ", ".join(map(str, listed))
                table.update(
                    updates={"replayed_at": moment},
                    predicate=f"topic = {text_literal(topic)} AND partition = {partition} AND offset IN ({among})",
                )

    def drop(self, *, replayed_only: bool) -> int:
        """Remove dead letters for good; returns how many.

        Raises:
            CommitConflict: a worker has added dead letters meanwhile; try again.
        """
        table = self._opened()
        if table is None:
            return 0
        with committing(self.uri):
            gone = table.delete("replayed_at IS NOT NULL" if replayed_only else None)
        return int(gone["num_deleted_rows"] or 0)

    def _opened(self) -> DeltaTable | None:
        with reading(self.uri):
            if not DeltaTable.is_deltatable(self.uri, storage_options=self._options):
                return None
            return DeltaTable(self.uri, storage_options=self._options)

    def _created(self) -> DeltaTable:
        with committing(self.uri):
            return DeltaTable.create(self.uri, COLUMNS, storage_options=self._options)

    def _rows(self, table: DeltaTable, names: list[str], predicate: str | None) -> pa.Table:
        with reading(self.uri):
            scan = pa.RecordBatchReader.from_stream(table.scan(columns=names, predicate=predicate))
            return plain_table(scan.read_all(), pa.schema([COLUMNS.field(name) for name in names]))


def _place(one: Rejected) -> Place:
    return one.topic, one.partition, one.offset


def _places(rows: pa.Table) -> set[Place]:
    return set(zip(*(rows.column(name).to_pylist() for name in ("topic", "partition", "offset")), strict=True))


def _same_offsets(rejected: Sequence[Rejected]) -> str:
    offsets = [one.offset for one in rejected]
    return f"offset >= {min(offsets)} AND offset <= {max(offsets)}"


def _last_offsets(fresh: Iterable[Place]) -> dict[str, int]:
    """A position for each partition: it keeps out a second worker that keeps the same records just now."""
    last: dict[str, int] = {}
    for topic, partition, offset in fresh:
        name = f"dead-letters:{topic}.{partition}"
        last[name] = max(offset, last.get(name, 0))
    return last


def _as_rows(fresh: Iterable[Rejected], now: datetime) -> pa.Table:
    rows = [
        {
            "topic": one.topic,
            "partition": one.partition,
            "offset": one.offset,
            "written_at": None if one.timestamp_ms < 0 else one.timestamp_ms * 1000,
            "key": one.key,
            "value": one.value,
            "code": one.code,
            "detail": one.detail,
            "reached": one.reached,
            "rejected_at": now,
        }
        for one in fresh
    ]
    return pa.Table.from_pylist(rows, schema=COLUMNS)


def _over_budget(uri: str, fresh: Iterable[Rejected], spent: int, budget: int) -> TooManyDeadLetters:
    first = next(iter(fresh))
    return TooManyDeadLetters(
        f"more records cannot be decoded than the {budget} an hour that `max_dead_letters` allows "
        f"({spent} in the last hour); the first that was not kept: {first.code}, {first.detail}",
        where=f"topic {first.topic}, partition {first.partition}, offset {first.offset}",
        remedy=f"the table stands before these records and nothing is lost. Look at {uri} with "
        "`oplake dead-letters list PIPELINE`, put right what writes them, or raise `max_dead_letters`, and run again",
    )
