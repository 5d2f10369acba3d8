"""INV-1, INV-2: whatever a store or the way to it does to a request, a log holds each row once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from pyarrow.fs import FileSelector

from engine.errors import CommitConflict, LakeError, RetryableError
from engine.lake import maintenance
from engine.lake.change_log import ChangeLog
from engine.lake.maintenance import vacuum
from engine.stack.s3 import BUCKET, S3Store
from tests.faults.s3_proxy import FAILURES, Fault, On, Rule, S3Proxy
from tests.lake.changes import COLUMNS, Change, rows

pytestmark = pytest.mark.server
PART = "orders/0"
APPENDS = 12
ROWS = 3


class Lake:
    """A log that is written through a proxy and judged without it."""

    def __init__(self, store: S3Store, proxy: S3Proxy, name: str) -> None:
        self.uri = f"s3://{BUCKET}/{name}/changes"
        self.proxy = proxy
        self.more: dict[str, str] = {}
        self._direct = store.storage_options()
        self._store = store

    def options(self, **more: str) -> dict[str, str]:
        patience = {"timeout": "20s", "connect_timeout": "5s", "max_retries": "3", "retry_timeout": "10s"}
        return {**self._direct, "aws_endpoint": self.proxy.endpoint, **patience, **self.more, **more}

    def create(self) -> ChangeLog:
        return ChangeLog.create(self.uri, COLUMNS, storage_options=self.options(), position={PART: 0})

    def open(self) -> ChangeLog:
        return ChangeLog.open(self.uri, self.options())

    def table(self) -> DeltaTable:
        return DeltaTable(self.uri, storage_options=self._direct)

    def data_files(self) -> list[str]:
        folder = FileSelector(self.uri.removeprefix("s3://"), recursive=True)
        files = [file.path for file in self._store.filesystem().get_file_info(folder)]
        return [path for path in files if path.endswith(".parquet")]

    def keys(self) -> list[str]:
        table = pa.table(self.table().scan(columns=["_id"]))
        return sorted(table.column("_id").to_pylist())

    def position(self) -> Mapping[str, int]:
        return ChangeLog.open(self.uri, self._direct).position()


@pytest.fixture
def lake(s3: S3Store) -> Iterator[Lake]:
    with S3Proxy(s3.endpoint) as proxy:
        yield Lake(s3, proxy, f"faults-{uuid.uuid4().hex}")


def batch(start: int) -> pa.Table:
    return rows([Change(f"{key:04d}", key + 1, "c") for key in range(start, start + ROWS)])


def keys_below(end: int) -> list[str]:
    return [f"{key:04d}" for key in range(end)]


def append_until(lake: Lake, log: ChangeLog | None, end: int) -> None:
    """What a worker does: append from the committed position; after an error open again and compare."""
    failures = 0
    while True:
        try:
            log = log or lake.open()
            start = log.position()[PART]
            if start >= end:
                return
            log.append(batch(start), {PART: start + ROWS})
        except (RetryableError, LakeError):
            log = None
            failures += 1
            assert failures < 200


@pytest.mark.parametrize("on", [On.COMMIT, On.DATA])
@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.SLOW_DOWN, Fault.DROP_BEFORE, Fault.DROP_AFTER])
def test_one_fault_neither_loses_nor_doubles_a_row(lake: Lake, fault: Fault, on: On) -> None:
    log = lake.create()
    lake.proxy.suffer(Rule(on, (fault,), times=1))
    append_until(lake, log, 2 * ROWS)
    assert lake.proxy.suffered() == [fault]
    assert lake.keys() == keys_below(2 * ROWS)


def test_a_commit_whose_answer_was_dropped_is_told_as_a_conflict_and_found_committed(lake: Lake) -> None:
    log = lake.create()
    lake.proxy.suffer(Rule(On.COMMIT, (Fault.DROP_AFTER,), times=1))
    with pytest.raises(CommitConflict):
        log.append(batch(0), {PART: ROWS})
    assert lake.open().position() == {PART: ROWS}
    assert lake.keys() == keys_below(ROWS)


def test_a_writer_that_is_told_of_the_drop_and_compares_no_position_doubles_rows(lake: Lake) -> None:
    """What the position is there for. (Where the client itself sends the commit again, it names the same file.)"""
    lake.create()
    lake.proxy.suffer(Rule(On.COMMIT, (Fault.DROP_AFTER,), times=1))
    options = lake.options(max_retries="0")
    with pytest.raises((OSError, DeltaError)):
        write_deltalake(lake.uri, batch(0), mode="append", storage_options=options)
    write_deltalake(lake.uri, batch(0), mode="append", storage_options=options)
    assert lake.keys() == sorted(keys_below(ROWS) * 2)


def test_a_commit_that_reaches_the_store_late_is_refused_when_another_was_made_in_its_place(lake: Lake) -> None:
    log = lake.create()
    lake.proxy.suffer(Rule(On.COMMIT, (Fault.LATE,)))
    with pytest.raises(CommitConflict):
        log.append(batch(0), {PART: ROWS})
    lake.proxy.suffer()
    assert lake.open().position() == {PART: 0}
    append_until(lake, None, ROWS)
    assert set(lake.proxy.deliver_late()) == {412}
    assert lake.keys() == keys_below(ROWS)


def test_a_commit_that_reaches_the_store_late_but_first_fences_the_one_made_in_its_place(lake: Lake) -> None:
    log = lake.create()
    lake.proxy.suffer(Rule(On.COMMIT, (Fault.LATE,)))
    with pytest.raises(CommitConflict):
        log.append(batch(0), {PART: ROWS})
    lake.proxy.suffer()
    again = lake.open()
    assert again.position() == {PART: 0}
    assert lake.proxy.deliver_late()[0] == 200
    with pytest.raises(CommitConflict):
        again.append(batch(0), {PART: ROWS})
    append_until(lake, None, 2 * ROWS)
    assert lake.keys() == keys_below(2 * ROWS)


def vacuum_during_a_commit(lake: Lake) -> int:
    """Vacuum all when the files of a commit are in the store and no version names them yet; how many there are then."""
    log = lake.create()
    lake.proxy.suffer(Rule(On.COMMIT, (Fault.LATE,)))
    with pytest.raises(CommitConflict):
        log.append(batch(0), {PART: ROWS})
    lake.proxy.suffer()
    vacuum(lake.table(), timedelta(0))
    return len(lake.data_files())


def test_a_vacuum_takes_no_file_that_a_commit_under_way_will_name(lake: Lake) -> None:
    assert vacuum_during_a_commit(lake) == 1
    assert lake.proxy.deliver_late()[0] == 200
    assert lake.keys() == keys_below(ROWS)


def test_a_vacuum_that_spares_no_young_file_takes_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "_SHORTEST_RETENTION", timedelta(0))
    assert vacuum_during_a_commit(lake) == 0


def test_a_store_that_stays_away_is_told_and_costs_nothing(lake: Lake) -> None:
    log = lake.create()
    lake.proxy.suffer(Rule(On.ANY, (Fault.DROP_BEFORE,)))
    with pytest.raises((RetryableError, LakeError)):
        log.append(batch(0), {PART: ROWS})
    lake.proxy.suffer()
    assert lake.position() == {PART: 0}
    append_until(lake, None, ROWS)
    assert lake.keys() == keys_below(ROWS)


@pytest.mark.parametrize("seed", [1, 2])
def test_random_faults_of_every_kind_neither_lose_nor_double_a_row(s3: S3Store, seed: int) -> None:
    with S3Proxy(s3.endpoint, seed) as proxy:
        lake = Lake(s3, proxy, f"faults-{uuid.uuid4().hex}")
        lake.more = {"max_retries": "1"}
        log = lake.create()
        forgets = Rule(On.LOG, (Fault.UNKNOWN,), odds=0.02)
        proxy.suffer(Rule(On.COMMIT, FAILURES, odds=0.6), forgets, Rule(On.ANY, FAILURES, odds=0.02))
        append_until(lake, log, APPENDS * ROWS)
        proxy.suffer()
        proxy.deliver_late()
        assert set(proxy.suffered()) == set(Fault)
        assert lake.keys() == keys_below(APPENDS * ROWS)
        assert lake.position() == {PART: APPENDS * ROWS}
