"""Which tables it is time to compare, as their specs say (``reconcile: {every: 1d}``)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.reconcile.first_pass import Plan
from engine.reconcile.settings import Settings
from engine.runtime.jobs import TableJob
from engine.state.database import Database
from engine.state.reconciliations import Reconciliations
from engine.telemetry.logs import logger


def due(job: TableJob, settings: Settings, database: Database, now: datetime) -> Settings | None:
    """The settings of the pass that a table is due for; None when it is not.

    The first pass of an incremental schedule is a full one. A full pass that was cut off is resumed, or begun anew when
    another version of oplake began it; while one is under way nothing is due. One of another host counts as cut off
    when it has not been heard of for ``SILENCE_S``.
    """
    schedule = job.pipeline.reconcile
    if schedule is None:
        return None
    kept = Reconciliations(database, job.target.target)
    begun = [one for one in kept.unfinished(job.table) if one.mode == "full"]
    if begun:
        resume = Plan.is_of_this_form(begun[0].settings)
        if under_way := next((one for one in begun if one.is_under_way), None):
            logger(table=job.table, run=under_way.id).info("reconciliation under way", last=under_way.whereabouts)
            return None
        return replace(settings, mode="full", resume=resume)
    last = next((one for one in kept.finished(job.table) if one.mode in ("full", schedule.mode)), None)
    if last is not None and now < datetime.fromisoformat(last.started_at) + schedule.every:
        return None
    is_first = schedule.mode == "incremental" and kept.verified_until(job.table) is None
    return replace(settings, mode="full" if is_first else schedule.mode)
