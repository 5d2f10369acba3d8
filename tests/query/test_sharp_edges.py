"""Measured traps of DuckDB's Delta extension: what older versions got wrong, on the version that is locked."""

from __future__ import annotations

from deltalake import DeltaTable

from engine.query.extensions import _path
from tests.lake.changes import Change
from tests.query.lakes import SmallLake


def test_a_partition_filter_loses_no_row_of_a_table_with_a_checkpoint(lake: SmallLake) -> None:
    """DuckDB 1.5.1 and 1.5.2 lose rows here."""
    for position in range(1, 13):
        lake.append([Change(f"k{position}", position, "c", values={"n": position})])
        if position in (5, 10):
            DeltaTable(lake.path("orders", "changes")).create_checkpoint()
    lake.fold()
    DeltaTable(lake.path("orders", "current")).create_checkpoint()
    days = lake.rows("select distinct _ingestion_date d from orders__changes")
    counted = [
        lake.rows(f"select count(*) c from orders__changes where _ingestion_date = '{row['d']}'")[0]["c"]  # noqa: S608
        for row in days
    ]
    assert sum(counted) == 12
    assert lake.rows("select count(*) c from orders where n > 3") == [{"c": 9}]


def test_the_extensions_are_files_of_installed_wheels_so_nothing_is_fetched() -> None:
    for name in ("delta", "httpfs"):
        assert "site-packages" in _path(name).parts  # type: ignore[arg-type]
