"""Long work that somebody asked for: queued here, done by whichever worker claims it, and followed from anywhere.

A worker that dies leaves its job ``running``. When that is found out (``signs_of_life``), the next worker takes the
job. Every kind of job can be begun again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from engine.errors import UserError
from engine.state.canonical import Json, canonical_json, digest
from engine.state.clock import database_seconds, now_text, unix_seconds
from engine.state.database import Database
from engine.state.process import Process
from engine.state.schema import answers, jobs
from engine.state.signs_of_life import lives

JobStatus: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: frozenset[JobStatus] = frozenset({"done", "failed", "cancelled"})
MAX_ATTEMPTS = 3
"""A job that has taken its worker down so often is given up."""
ANSWERS_KEPT_S = 86_400


class KeyReused(UserError):
    """An idempotency key came with another request than the first time."""

    code = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. Times are ISO 8601 in UTC."""

    id: int
    kind: str
    arguments: Mapping[str, Json]
    status: JobStatus
    asked_by: str
    asked_at: str
    started_at: str | None = None
    finished_at: str | None = None
    attempts: int = 0
    cancel: bool = False
    """Somebody asked for it to be stopped."""
    progress: tuple[str, ...] = ()
    result: Json = None
    error: Json = None
    """``code``, ``what``, ``where`` and ``remedy`` of what stopped it."""
    trace: str | None = None
    """The request that asked for it, as a W3C ``traceparent``; None when nobody recorded."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many jobs there are."""

    by_kind: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(kind, status) -> how many."""
    oldest_waiting_s: float = 0.0
    """How long the oldest waits that nobody has begun; 0 when none does."""


class Jobs:
    """The jobs of one target."""

    def __init__(self, database: Database, target: str) -> None:
        self._database = database
        self._target = target

    def ask(
        self,
        kind: str,
        arguments: Mapping[str, Json],
        actor: str,
        *,
        once: str | None = None,
        trace: str | None = None,
    ) -> Job:
        """Queue a job; with an idempotency key ``once`` the same request makes one job however often it comes.

        Args:
            trace: the request, as a W3C ``traceparent``.

        Raises:
            KeyReused: the key was used for another request.
        """
        asked = _digest_of(kind, arguments)
        with self._database.writing() as connection:
            if once is not None:
                connection.execute(delete(answers).where(answers.c.at < time.time() - ANSWERS_KEPT_S))
                mine = (answers.c.actor == actor) & (answers.c.key == once)
                known = connection.execute(select(answers).where(mine)).first()
                if known is not None and known.request_digest != asked:
                    raise KeyReused(
                        "this idempotency key belongs to another request",
                        where="Idempotency-Key",
                        remedy="take a new key for a new request, and the old one only to repeat the old request",
                    )
                if known is not None:
                    return _read(connection.execute(select(jobs).where(jobs.c.id == known.job)).one())
            values = {
                "target": self._target,
                "kind": kind,
                "arguments": canonical_json(dict(arguments)),
                "status": "queued",
                "asked_by": actor,
                "asked_at": now_text(),
                "attempts": 0,
                "cancel": 0,
                "progress": "[]",
                "trace": trace,
            }
            made = connection.execute(insert(jobs).values(values))
            assert made.inserted_primary_key is not None  # noqa: S101  both databases return it
            job_id = int(made.inserted_primary_key[0])
            if once is not None:
                row = {"actor": actor, "key": once, "request_digest": asked, "job": job_id, "at": int(time.time())}
                connection.execute(insert(answers).values(row))
            return _read(connection.execute(select(jobs).where(jobs.c.id == job_id)).one())

    def get(self, job_id: int) -> Job | None:
        """The job of this number."""
        query = select(jobs).where(jobs.c.target == self._target, jobs.c.id == job_id)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _read(row)

    def page(self, before: int | None, count: int) -> Sequence[Job]:
        """The newest jobs, of those before a number, newest first."""
        query = select(jobs).where(jobs.c.target == self._target).order_by(jobs.c.id.desc()).limit(count)
        if before is not None:
            query = query.where(jobs.c.id < before)
        with self._database.reading() as connection:
            return [_read(row) for row in connection.execute(query)]

    def request_cancel(self, job_id: int) -> None:
        """A queued job ends at once; a running one when its worker sees it."""
        mine = (jobs.c.target == self._target) & (jobs.c.id == job_id)
        ended = {"status": "cancelled", "finished_at": now_text()}
        with self._database.writing() as connection:
            connection.execute(update(jobs).where(mine).values(cancel=1))
            connection.execute(update(jobs).where(mine, jobs.c.status == "queued").values(ended))

    def claim(self) -> Job | None:
        """The oldest job that nobody works at, now this process's; None when there is none."""
        with self._database.writing() as connection:
            open_ones = select(jobs).where(jobs.c.target == self._target, jobs.c.status.in_(("queued", "running")))
            query = open_ones.order_by(jobs.c.id).with_for_update(skip_locked=True)
            now = database_seconds(connection)
            row = next((row for row in connection.execute(query).all() if _is_free(row, now)), None)
            if row is None:
                return None
            mine = jobs.c.id == row.id
            if row.attempts >= MAX_ATTEMPTS:
                error = {
                    "code": "job-given-up",
                    "what": f"its worker died {row.attempts} times",
                    "where": f"job {row.id}",
                    "remedy": "look into the worker's log, then ask for it again",
                }
                values = {"status": "failed", "error": canonical_json(error), "finished_at": now_text()}
                connection.execute(update(jobs).where(mine).values(values))
                return None
            me = Process.this()
            owner = {"host": me.host, "boot": me.boot, "pid": me.pid, "born": me.born, "seen": now}
            started = {"status": "running", "started_at": now_text(), "attempts": row.attempts + 1}
            connection.execute(update(jobs).where(mine).values(**owner, **started))
            return _read(connection.execute(select(jobs).where(mine)).one())

    def report(self, job: Job, progress: Sequence[str]) -> bool:
        """Write down how far the job is; True when somebody asked for it to be stopped."""
        with self._database.writing() as connection:
            values = {"progress": canonical_json(list(progress)), "seen": database_seconds(connection)}
            connection.execute(update(jobs).where(_mine(job)).values(values))
            return bool(connection.execute(select(jobs.c.cancel).where(jobs.c.id == job.id)).scalar())

    def end(self, job: Job, status: JobStatus, *, result: Json = None, error: Json = None) -> None:
        """Write down how the job ended."""
        values: dict[str, Any] = {"status": status, "finished_at": now_text()}
        values["result"] = None if result is None else canonical_json(result)
        values["error"] = None if error is None else canonical_json(error)
        with self._database.writing() as connection:
            connection.execute(update(jobs).where(_mine(job)).values(values))

    def counts(self) -> JobCounts:
        """How many there are of each kind and status, and how long the oldest waits."""
        mine = jobs.c.target == self._target
        grouped = select(jobs.c.kind, jobs.c.status, func.count()).where(mine).group_by(jobs.c.kind, jobs.c.status)
        first = select(func.min(jobs.c.asked_at)).where(mine, jobs.c.status == "queued")
        with self._database.reading() as connection:
            by_kind = {(kind, status): int(count) for kind, status, count in connection.execute(grouped)}
            asked = connection.execute(first).scalar()
        return JobCounts(by_kind, 0.0 if asked is None else max(0.0, time.time() - unix_seconds(asked)))

    def waiting(self) -> int:
        """How many jobs nobody has begun."""
        query = select(func.count()).where(jobs.c.target == self._target, jobs.c.status == "queued")
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar() or 0)


def _digest_of(kind: str, arguments: Mapping[str, Json]) -> str:
    """Equal for two requests that ask for the same."""
    return digest([kind, dict(arguments)])


def _mine(job: Job) -> ColumnElement[bool]:
    me = Process.this()
    return (jobs.c.id == job.id) & (jobs.c.host == me.host) & (jobs.c.pid == me.pid) & (jobs.c.born == me.born)


def _is_free(row: Row[Any], now: int) -> bool:
    if row.status == "queued":
        return True
    return not lives(Process(row.host, row.boot, row.pid, row.born), now - row.seen)


def _read(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        arguments=json.loads(row.arguments),
        status=cast("JobStatus", row.status),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        attempts=row.attempts,
        cancel=bool(row.cancel),
        progress=tuple(json.loads(row.progress)),
        result=None if row.result is None else json.loads(row.result),
        error=None if row.error is None else json.loads(row.error),
        trace=row.trace,
    )
