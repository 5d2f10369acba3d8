"""What a change of a table means for its data, in rows, bytes and downtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.resources.change import Action, Cause, Change
from engine.resources.quantities import count, size
from engine.state.canonical import Json


@dataclass(frozen=True, slots=True)
class Facts:
    """Numbers that vary by nature: they explain a plan and decide nothing."""

    table: Mapping[str, int] = field(default_factory=dict)
    """``rows``, ``bytes`` and ``files`` of the table as it stands."""
    log_rows: int = 0
    """Rows of the change log that a folded table is made from, when the log stays."""
    documents: int | None = None
    """About how many documents the collection holds; None when nobody asked."""


def consequences(change: Change, facts: Facts) -> tuple[str, ...]:
    """One fact a line; nothing for a change that touches no rows and needs no wait."""
    is_log = change.address.endswith(".log")
    match change.action:
        case Action.CREATE:
            return _filled(change, facts, is_log=is_log)
        case Action.REPLACE:
            return (_deleted(facts, is_log=is_log), *_filled(change, facts, is_log=is_log), _downtime(change))
        case Action.DELETE if change.keeps:
            return (_kept(change),)
        case Action.DELETE:
            return (_deleted(facts, is_log=is_log), "MongoDB is not touched")
        case Action.UPDATE:
            return ("no rows are touched, downtime none",)
    return ()


def _deleted(facts: Facts, *, is_log: bool) -> str:
    rows, files = facts.table.get("rows", 0), facts.table.get("files", 0)
    if not rows:
        return "the table has no rows: nothing is lost"
    what = f"{count(rows, 'row')} of change history" if is_log else count(rows, "row")
    return f"deletes {what} ({size(facts.table.get('bytes', 0))} in {count(files, 'file')})"


def _filled(change: Change, facts: Facts, *, is_log: bool) -> tuple[str, ...]:
    if is_log:
        return (_snapshot(change.desired, facts.documents),)
    if facts.log_rows:
        return (f"the next fold builds it from {count(facts.log_rows, 'row')} of the change log",)
    return ("filled by folding the change log",)


def _snapshot(desired: Mapping[str, Json], documents: int | None) -> str:
    namespace = desired.get("namespace")
    known = "the documents" if documents is None else f"about {count(documents, 'document')}"
    if desired.get("topics"):
        return f"the next run reads the topic of {namespace} from its oldest message: Debezium fills it"
    if desired.get("source.snapshot") == "no_data":
        held = "" if documents is None else f": {known} that exist now are not copied"
        return f"the next run starts at the newest change of {namespace}{held}"
    return f"the next run copies {known} of {namespace}, then follows its changes"


def _downtime(change: Change) -> str:
    return f"downtime: queries find no rows in {change.title} until then; stop `oplake run` before applying"


def _kept(change: Change) -> str:
    if not change.identity:
        return "the table is gone already: only the state forgets it"
    if change.origin == "adopted" or change.cause is Cause.DRIFT:
        return "the table stays: oplake did not create it, so only the state forgets it"
    return "the table stays: it is not the one that oplake created"
