"""A plan as the steps that carry it out, in an order that is safe to be cut off after any of them.

Deletions come first, what depends before what it depends on: a folded table must never outlive the log it was
made from, or a fold would go on from a position of another log. Everything else follows in the other order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.errors import InternalError
from engine.planner.plan import Plan
from engine.resources.change import Action, Change
from engine.resources.resource import Verb
from engine.state.journal import JournalStep


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes with what they depend on before them; else by address.

    Raises:
        InternalError: they depend on each other in a circle.
    """
    waiting = {change.address: change for change in sorted(changes, key=lambda change: change.address)}
    done: list[Change] = []
    while waiting:
        ready = [c for c in waiting.values() if not any(d in waiting for d in c.depends_on)]
        if not ready:
            raise InternalError("resources depend on each other in a circle", where=", ".join(waiting))
        done.extend(waiting.pop(change.address) for change in ready)
    return tuple(done)


def steps_of(plan: Plan) -> tuple[JournalStep, ...]:
    """The steps of a plan, numbered from 1."""
    changes = ordered(plan.pending)
    pairs = [*_removals(changes[::-1]), *_rest(changes)]
    return tuple(JournalStep(number, change.address, verb) for number, (change, verb) in enumerate(pairs, 1))


def _removals(changes: Sequence[Change]) -> Iterator[tuple[Change, Verb]]:
    for change in changes:
        if change.halts:
            yield change, Verb.HALT
        is_delete = change.action is Action.DELETE
        if change.clears or change.action is Action.REPLACE or (is_delete and not change.keeps):
            yield change, Verb.ERASE
        if is_delete:
            yield change, Verb.FORGET


def _rest(changes: Sequence[Change]) -> Iterator[tuple[Change, Verb]]:
    for change in changes:
        if change.action in {Action.CREATE, Action.REPLACE}:
            yield change, Verb.CREATE
        elif change.action is Action.UPDATE:
            yield change, Verb.ALTER if change.alters else Verb.RECORD
