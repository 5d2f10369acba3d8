"""The three-way difference of one Kafka topic, and what it means for its messages. Pure."""

from __future__ import annotations

from dataclasses import replace

from engine.resources.change import Action, Cause, Change, PathChange
from engine.resources.quantities import count
from engine.resources.resource import Desired, Observed
from engine.resources.three_way import CONFIG, adopted, base_of, changed, differences, missing, unwanted
from engine.resources.topic_desired import NAMESPACE, PARTITIONS, REPLICATION
from engine.state.applied import Applied

WHERE = "Kafka"
KEY_ORDER = "keys move to other partitions"
FEWER = "Kafka cannot take partitions away"
COPIES = "kafka-reassign-partitions changes it and keeps the messages; then plan again"


def compare_topic(desired: Desired | None, applied: Applied | None, observed: Observed) -> Change:
    """Judge one topic. At least one of ``desired`` and ``applied`` is there."""
    if desired is None:
        assert applied is not None  # noqa: S101  nobody asks about a topic that is in neither
        return unwanted(applied, observed, str(applied.attributes["name"]), ())
    base = base_of(desired, observed)
    if not observed.exists:
        return missing(base, applied, WHERE)
    if applied is None:
        return _judged(adopted(base, observed, WHERE, is_visible), observed)
    if applied.identity != observed.identity:
        return _another(base, applied, observed)
    paths = tuple(differences(desired.attributes, applied, observed, is_visible))
    return _judged(changed(base, applied, observed, paths), observed)


def is_visible(path: str) -> bool:
    """Whether an attribute stands in Kafka, where anybody may change it."""
    return path in {PARTITIONS, REPLICATION} or path.startswith(CONFIG)


def _another(base: Change, applied: Applied, observed: Observed) -> Change:
    """Whatever was in the first one and not read yet is lost, so what is made from it has to be made anew too."""
    path = PathChange("topic id", applied.identity, observed.identity, Cause.DRIFT, "messages of the first are gone")
    return replace(
        base,
        action=Action.REPLACE,
        cause=Cause.DRIFT,
        paths=(path,),
        destroys=True,
        origin=applied.origin,
        reason="somebody deleted it and made another of the same name",
    )


def _judged(change: Change, observed: Observed) -> Change:
    """A topic keeps its messages while its partitions grow, not when they shrink."""
    paths = tuple(_noted(path) for path in change.paths)
    stuck = any(path.note in {FEWER, COPIES} for path in paths)
    if not stuck:
        return replace(change, paths=paths)
    return replace(change, paths=paths, action=Action.REPLACE, destroys=True, identity=observed.identity)


def _noted(path: PathChange) -> PathChange:
    if path.path == REPLICATION and path.before != path.after:
        return replace(path, note=COPIES)
    if path.path != PARTITIONS or not isinstance(path.before, int) or not isinstance(path.after, int):
        return path
    if path.after < path.before:
        return replace(path, note=FEWER)
    return replace(path, note=KEY_ORDER) if path.after > path.before else path


def topic_consequences(change: Change, messages: int | None = None) -> tuple[str, ...]:
    """One fact a line."""
    held = "its messages" if messages is None else f"about {count(messages, 'message')}"
    match change.action:
        case Action.DELETE if change.keeps:
            kept = "the topic stays: oplake did not create it" if change.identity else "the topic is gone already"
            return (f"{kept}, so only the state forgets it",)
        case Action.DELETE:
            return (f"deletes {held}; tables keep what they have read",)
        case Action.REPLACE:
            return (
                f"deletes {held}",
                "the connector stands still meanwhile, then takes a new snapshot of the collection",
            )
        case Action.CREATE if change.cause is Cause.DRIFT and NAMESPACE in change.desired:
            return (
                "what was in it and not read yet is lost: the connector takes a new snapshot of the collection, and "
                "the tables made from it are made anew",
            )
        case Action.UPDATE:
            return tuple(_told(path) for path in change.paths if path.note == KEY_ORDER)
    return ()


def _told(path: PathChange) -> str:
    return (
        f"documents move to other partitions ({path.before} -> {path.after}): changes of one document from before and "
        "after may reach the change log out of order"
    )
