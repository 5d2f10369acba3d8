"""Which full pass is carried out: the one of the table that was cut off, when it is asked for, or a new one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from engine.errors import UserError
from engine.reconcile.first_pass import Plan, make_plan
from engine.reconcile.job import Comparison
from engine.reconcile.leftovers import forget
from engine.state.reconciliations import Reconciliation, Reconciliations
from engine.state.signs_of_life import SILENCE_S
from engine.telemetry.logs import logger


def begin(comparison: Comparison, kept: Reconciliations, workers: int) -> tuple[Reconciliation, Plan]:
    """Go on with the pass that was cut off, or begin one and give up what was cut off.

    Raises:
        UserError: there is nothing to resume, it is still under way, or another version of oplake began it.
        SourceUnreachable: no server answers.
    """
    table = comparison.job.table
    found = [one for one in kept.unfinished(table) if one.mode == "full"]
    dead = [one for one in found if not one.is_under_way]
    if comparison.settings.resume:
        _require_resumable(found, dead, table)
        return _taken_over(kept, dead[0]), Plan.of(dead[0].id, dead[0].settings)
    for one in dead:
        if kept.give_up(one.hold):
            _say("given up", one)
            forget(comparison, one.id)
    plan = make_plan(comparison, uuid.uuid4().hex[:12], workers)
    return kept.begin(plan.run, table, "full", plan.as_json()), plan


def _taken_over(kept: Reconciliations, one: Reconciliation) -> Reconciliation:
    taken = kept.take_over(one)
    if taken is None:
        raise UserError(
            f"another process goes on with the reconciliation {one.id} already",
            where=f"--resume, table {one.table}",
            remedy="leave it to that one: `oplake reconcile --list` shows how it ends",
        )
    _say("resumed", one)
    return taken


def _require_resumable(found: Sequence[Reconciliation], dead: Sequence[Reconciliation], table: str) -> None:
    where = f"--resume, table {table}"
    if found and not dead:
        raise UserError(
            f"the reconciliation {found[0].id} is still under way: {found[0].whereabouts}",
            where=where,
            remedy=f"wait for it; on another host it counts as cut off {SILENCE_S} s after it was last heard of, on "
            "its own as soon as its process is gone",
        )
    if not dead:
        raise UserError(
            "there is no reconciliation of this table that was cut off", where=where, remedy="leave --resume out"
        )
    if not Plan.is_of_this_form(dead[0].settings):
        raise UserError(
            f"the reconciliation {dead[0].id} was begun by another version of oplake, and what it has read does not "
            "compare with what this version reads",
            where=where,
            remedy="leave --resume out: it is given up, and a new one begins",
        )


def _say(what: str, one: Reconciliation) -> None:
    """What only one host knows ought to be read there: where the process lives after all, it ends when it notices."""
    logger(table=one.table, run=one.id).warning(f"reconciliation {what}", last=one.whereabouts)
