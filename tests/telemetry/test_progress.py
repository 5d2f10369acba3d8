"""The line on a terminal says how far the tables are, and logs do not run into it."""

from __future__ import annotations

import io

from engine.telemetry.counters import TableCounters
from engine.telemetry.progress import ProgressLine, progress_text


def test_one_table_is_named_with_what_it_does() -> None:
    counters = TableCounters("orders", phase="streaming", rows=12_345, rescued=2, lag_s=0.44)

    assert progress_text([counters], 1500.0) == "orders: streaming  12,345 rows  1,500/s  2 values rescued  lag 0.4 s"


def test_several_tables_are_added_up_and_the_largest_lag_is_shown() -> None:
    tables = [
        TableCounters("a", phase="snapshot", rows=1),
        TableCounters("b", phase="streaming", rows=2, lag_s=1.0),
        TableCounters("c", phase="streaming", rows=3, lag_s=9.0),
    ]

    assert progress_text(tables, 0.0) == "3 tables: 1 snapshot, 2 streaming  6 rows  0/s  lag 9.0 s"


def test_no_tables_make_no_line() -> None:
    assert progress_text([], 0.0) == ""


def test_a_log_line_appears_above_the_progress_line() -> None:
    terminal = io.StringIO()
    line = ProgressLine(terminal, [TableCounters("orders", rows=1)])

    line.show()
    line.write("a warning\n")

    shown = on_screen(terminal.getvalue())
    assert shown[0] == "a warning"
    assert shown[1].startswith("orders: starting  1 rows")


def test_closing_leaves_the_last_totals_standing() -> None:
    terminal = io.StringIO()
    counters = TableCounters("orders")
    line = ProgressLine(terminal, [counters])
    line.show()
    counters.rows = 7
    line.close()

    shown = on_screen(terminal.getvalue())
    assert len(shown) == 2
    assert "7 rows" in shown[0]
    assert shown[1] == ""


def on_screen(written: str) -> list[str]:
    """What a terminal would show."""
    return [line.rpartition("\r\x1b[K")[2] for line in written.split("\n")]
