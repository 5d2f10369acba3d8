"""Which pipelines shall run, as somebody asked through the service; a worker makes it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from sqlalchemy import Row, insert, select, update

from engine.state.clock import now_text
from engine.state.database import Database
from engine.state.schema import wanted_runs

Wish: TypeAlias = Literal["running", "paused", "stopped"]


@dataclass(frozen=True, slots=True)
class WantedRun:
    """What shall be, and what is."""

    pipeline: str
    wish: Wish
    generation: int = 0
    """Counts the restarts that were asked for."""
    state: str = "waiting"
    """``waiting`` for a worker, ``running``, ``stopping``, ``stopped`` or ``failed``."""
    detail: str = ""
    changed_at: str = ""


class WantedRuns:
    """The wishes of one target."""

    def __init__(self, database: Database, target: str) -> None:
        self._database = database
        self._target = target

    def all(self) -> dict[str, WantedRun]:
        """Every pipeline that somebody ever had a wish for."""
        query = select(wanted_runs).where(wanted_runs.c.target == self._target).order_by(wanted_runs.c.pipeline)
        with self._database.reading() as connection:
            return {row.pipeline: _read(row) for row in connection.execute(query)}

    def want(self, pipeline: str, wish: Wish, *, anew: bool = False) -> WantedRun:
        """Remember a wish; ``anew`` asks for a fresh process even when one runs."""
        with self._database.writing() as connection:
            mine = (wanted_runs.c.target == self._target) & (wanted_runs.c.pipeline == pipeline)
            row = connection.execute(select(wanted_runs).where(mine).with_for_update()).first()
            values: dict[str, Any] = {"wish": wish, "changed_at": now_text()}
            if row is None:
                named = {"target": self._target, "pipeline": pipeline, "state": "waiting", "detail": ""}
                connection.execute(insert(wanted_runs).values(**named, generation=int(anew), **values))
            else:
                values["generation"] = row.generation + int(anew)
                connection.execute(update(wanted_runs).where(mine).values(values))
            return _read(connection.execute(select(wanted_runs).where(mine)).one())

    def tell(self, pipeline: str, state: str, detail: str = "") -> None:
        """Write down what has become of a wish."""
        mine = (wanted_runs.c.target == self._target) & (wanted_runs.c.pipeline == pipeline)
        with self._database.writing() as connection:
            connection.execute(update(wanted_runs).where(mine).values(state=state, detail=detail))


def _read(row: Row[Any]) -> WantedRun:
    return WantedRun(row.pipeline, cast("Wish", row.wish), row.generation, row.state, row.detail, row.changed_at)
