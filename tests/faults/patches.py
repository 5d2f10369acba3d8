"""Ways to make a process wrong, or slow, on purpose. Applied to processes of the tests, never to the tests' own."""

from __future__ import annotations

import time

import pyarrow as pa

from engine.lake.change_log import ChangeLog
from engine.source.batch import Position
from engine.telemetry.logs import logger

HALFWAY = "half of it committed"
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


def slow_appends() -> None:
    """A store that takes for ever."""

    def append(log: ChangeLog, rows: pa.Table, position: Position) -> int:
        time.sleep(AGES_S)
        return _append(log, rows, position)

    ChangeLog.append = append  # type: ignore[method-assign]
