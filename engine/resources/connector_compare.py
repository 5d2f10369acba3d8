"""The three-way difference of one connector, and what it means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from engine.resources.change import Action, Cause, Change, PathChange
from engine.resources.connector_desired import NEEDS, STATE
from engine.resources.quantities import count
from engine.resources.resource import Desired, Observed
from engine.resources.table_desired import is_log
from engine.resources.three_way import CONFIG, adopted, base_of, changed, differences, missing, unwanted
from engine.resources.topic_desired import KIND as TOPIC
from engine.state.applied import Applied
from engine.state.canonical import Json

WHERE = "Kafka Connect"
SNAPSHOT = "snapshot"
"""The path of collections that are to be copied again."""


def compare_connector(desired: Desired | None, applied: Applied | None, observed: Observed) -> Change:
    """Judge one connector. At least one of ``desired`` and ``applied`` is there."""
    if desired is None:
        assert applied is not None  # noqa: S101  nobody asks about a connector that is in neither
        return unwanted(applied, observed, str(applied.attributes["name"]), upstream_of(applied))
    base = base_of(desired, observed)
    if not observed.exists:
        return missing(base, applied, WHERE)
    if applied is None:
        return adopted(base, observed, WHERE, _is_visible)
    paths = tuple(differences(desired.attributes, applied, observed, _is_visible))
    # Which topics and tables there are shows in the configuration; alone it is only remembered.
    return changed(base, applied, observed, tuple(path for path in paths if path.path != NEEDS) or paths)


def upstream_of(applied: Applied) -> tuple[str, ...]:
    """What the connector writes to, and what is made from that: it has to go before them."""
    return tuple(str(address) for address in cast("list[Json]", applied.attributes.get(NEEDS) or []))


def _is_visible(path: str) -> bool:
    return path == STATE or path.startswith(CONFIG)


def follow_topics(change: Change, remade: Sequence[Change]) -> Change:
    """Copy the collections again whose topics or tables begin anew while the connector goes on.

    It stands still while a topic is deleted: Connect would make it again at once.
    """
    halts = any(one.kind == TOPIC and one.action is Action.REPLACE for one in remade)
    fresh = sorted({str(one.desired["namespace"]) for one in remade if _is_of_events(one)})
    copies = bool(fresh) and change.desired.get(f"{CONFIG}snapshot.mode") != "no_data"
    if not copies and not halts:
        return change
    followed = replace(change, halts=halts, alters=True)
    if change.action is Action.NO_OP:
        reason = "what it writes to is made anew"
        followed = replace(followed, action=Action.UPDATE, cause=Cause.CASCADE, reason=reason)
    if not copies:
        return followed
    note = "their topics or tables are new, and the connector is past its first snapshot"
    path = PathChange(SNAPSHOT, None, list(fresh), Cause.CASCADE, note)
    return replace(followed, paths=(*change.paths, path))


def _is_of_events(change: Change) -> bool:
    """Whether a resource gets a collection's events themselves; a folded table is made from its log alone."""
    return "namespace" in change.desired and (change.kind == TOPIC or is_log(change.address))


def snapshots_of(change: Change) -> tuple[str, ...]:
    """The collections that a change copies again."""
    asked = next((path.after for path in change.paths if path.path == SNAPSHOT), None) or []
    return tuple(str(name) for name in cast("list[Json]", asked))


def connector_consequences(change: Change, documents: int | None) -> tuple[str, ...]:
    """One fact a line. ``documents``: about how many there are in what is copied; None when nobody asked."""
    known = "the documents" if documents is None else f"about {count(documents, 'document')}"
    match change.action:
        case Action.CREATE:
            return (_start(change, known),)
        case Action.DELETE if change.keeps:
            why = (
                "the connector stays: oplake did not create it" if change.identity else "the connector is gone already"
            )
            return (f"{why}, so only the state forgets it",)
        case Action.DELETE:
            return ("deletes how far it has got: a connector made later copies everything again",)
        case Action.UPDATE:
            return _update(change, known)
    return ()


def _start(change: Change, known: str) -> str:
    if change.cause is Cause.DRIFT:
        return "it goes on from the offsets that Kafka Connect still holds; without them it copies everything"
    if change.desired.get(f"{CONFIG}snapshot.mode") == "no_data":
        return "Debezium starts at the newest change: documents that exist now are not copied"
    return f"Debezium copies {known} into the topics, then follows the changes"


def _update(change: Change, known: str) -> tuple[str, ...]:
    if snapshots_of(change):
        names = ", ".join(snapshots_of(change))
        return (f"copies {known} of {names} by a blocking snapshot: changes wait meanwhile", *_halts(change))
    if change.alters:
        return ("its task starts again from where it was: no event is lost, none comes for some seconds",)
    return ()


def _halts(change: Change) -> tuple[str, ...]:
    return ("it stands still while its topics are deleted",) if change.halts else ()
