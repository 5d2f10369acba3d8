"""How an apply that stopped half-way shows: in a sentence, and in what it had begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.resources.change import Action, Cause, Change
from engine.resources.resource import Verb
from engine.state.journal import Journal


def sentence(journal: Journal | None) -> str:
    """One sentence on the apply that stopped; empty when none did."""
    if journal is None:
        return ""
    return (
        f"An apply stopped half-way: {journal.done} of {len(journal.steps)} steps are done "
        f"(process {journal.pid} on {journal.host}, begun {journal.started_at}). "
        "`oplake apply` carries on with it."
    )


def settle(changes: Sequence[Change], journal: Journal | None) -> list[Change]:
    """Tell what an apply left half-done from what somebody else did."""
    if journal is None:
        return list(changes)
    return [_settled(change, journal) for change in changes]


def _settled(change: Change, journal: Journal) -> Change:
    begun = {step.verb for step in journal.steps if step.address == change.address and step.status != "done"}
    ours = {step.verb for step in journal.steps if step.address == change.address}
    if change.cause is Cause.ADOPT and Verb.CREATE in begun:
        reason = "an apply created it and stopped before that was written down"
        return replace(change, cause=Cause.UNFINISHED, origin="created", reason=reason)
    if change.action is not Action.NO_OP and ours and change.cause in {Cause.SPEC, Cause.DRIFT}:
        return replace(change, cause=Cause.UNFINISHED, reason=f"{change.reason}; an apply has begun with it")
    return change
