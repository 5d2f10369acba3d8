"""The kind ``topic``: a Kafka topic of a collection, or one that a connector needs."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import cast

from engine.errors import PlanRefused, TransportError
from engine.resources.asked import Asked
from engine.resources.attributes import part, same
from engine.resources.change import Action, Change
from engine.resources.kafka_admin import KafkaAdmin, LiveTopic
from engine.resources.notice import Notice
from engine.resources.quantities import count
from engine.resources.resource import ABSENT, Around, Desired, Kind, Observed, Sides, Verb
from engine.resources.standing import Standing
from engine.resources.three_way import CONFIG, settings
from engine.resources.topic_compare import compare_topic, is_visible, topic_consequences
from engine.resources.topic_desired import KIND, PARTITIONS, REPLICATION, topics_of
from engine.resources.topic_warnings import topic_warnings
from engine.spec.quantities import format_duration
from engine.state.applied import Applied
from engine.state.canonical import Json

SETTLE_DEADLINE_S = 30.0
NEW_PLAN = "make a new plan: oplake plan"


class TopicKind(Kind):
    """Topics of one Kafka cluster (``engine.resources.resource.Kind``)."""

    name = KIND

    def __init__(self, admin: KafkaAdmin) -> None:
        self._admin = admin

    def desired(self, asked: Asked, before: Sequence[Desired]) -> Iterable[Desired]:  # noqa: ARG002  Kind's
        """The topics of a pipeline."""
        return topics_of(asked)

    def observe(self, desired: Desired | None, applied: Applied | None) -> Observed:
        """The topic."""
        return self.observe_all({"": Sides(desired, applied)})[""]

    def observe_all(self, sides: Mapping[str, Sides]) -> dict[str, Observed]:
        """All topics in a few requests."""
        names = {address: _name(side) for address, side in sides.items()}
        live = self._admin.topics(set(names.values()))
        return {
            address: _observed(live.get(name), part(_attributes(sides[address]), CONFIG))
            for address, name in names.items()
        }

    def compare(self, desired: Desired | None, applied: Applied | None, observed: Observed) -> Change:
        """The three-way difference."""
        return compare_topic(desired, applied, observed)

    def act(self, verb: Verb, change: Change, *, resumed: bool) -> Observed:
        """Carry out one step.

        Raises:
            PlanRefused: another topic stands there than the one the plan was made for.
            TransportError: Kafka refuses.
        """
        name = str(change.desired["name"])
        match verb:
            case Verb.ERASE:
                self._erase(name, change)
                return ABSENT
            case Verb.FORGET:
                return ABSENT
            case Verb.CREATE:
                self._create(name, change, resumed=resumed)
            case Verb.ALTER:
                self._alter(name, change.desired)
            case Verb.RECORD | Verb.HALT:
                pass
        return self._settled(name, change.desired)

    def clash(self, first: Desired, second: Desired) -> Notice | None:
        """Two collections whose names differ only in characters that no topic can have."""
        if "namespace" not in second.attributes:
            return None
        return Notice(
            "error",
            "topic-clash",
            f"{second.attributes['namespace']} and {first.attributes['namespace']} would be the same topic",
            f"pipeline {second.pipeline}, topic {first.title}",
            "put one of the two into a pipeline of its own",
        )

    def title(self, applied: Applied) -> str:
        """Its name."""
        return str(applied.attributes["name"])

    def upstream(self, applied: Applied) -> tuple[str, ...]:  # noqa: ARG002  Kind's
        """Topics are made from nothing."""
        return ()

    def warnings(self, asked: Sequence[Asked], changes: Sequence[Change]) -> Iterator[Notice]:  # noqa: ARG002  Kind's
        """What the number of brokers means for the settings."""
        return topic_warnings(asked, self._admin.brokers())

    def consequences(self, change: Change, around: Around) -> tuple[str, ...]:  # noqa: ARG002  Kind's
        """For the messages."""
        return topic_consequences(change)

    def standings(self, changes: Sequence[Change]) -> Iterator[Standing]:
        """Partitions, copies and retention."""
        problem = ""
        there: Collection[str] = ()
        try:
            there = self._admin.topics([change.title for change in changes])
        except TransportError as error:
            problem = error.what
        for change in changes:
            state = "unknown" if problem else _state(change, is_there=change.title in there)
            yield Standing(change.pipeline, KIND, change.title, state, _detail(change.desired), problem)

    def _settled(self, name: str, wanted: Mapping[str, Json]) -> Observed:
        """The topic, once the broker that is asked has heard of what another one did.

        Raises:
            TransportError: it does not in time.
        """
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        while True:
            live = self._look(name, wanted)
            if live.exists and all(
                same(live.attributes.get(path), wanted[path]) for path in wanted if is_visible(path)
            ):
                return live
            if time.monotonic() > deadline:
                raise TransportError(
                    f"topic {name} is not as it was made after {SETTLE_DEADLINE_S:.0f} s",
                    where="transport.kafka.bootstrap_servers",
                    remedy="look at the brokers' logs, then apply again",
                )
            time.sleep(0.1)

    def _look(self, name: str, attributes: Mapping[str, Json]) -> Observed:
        managed = part(attributes, CONFIG)
        return _observed(self._admin.topics([name]).get(name), managed)

    def _create(self, name: str, change: Change, *, resumed: bool) -> None:
        live = self._look(name, change.desired)
        if live.exists:
            if not resumed:
                raise PlanRefused("the topic has appeared since the plan was made", where=name, remedy=NEW_PLAN)
            return
        partitions, replicas = (cast("int", change.desired[key]) for key in (PARTITIONS, REPLICATION))
        self._admin.create(name, partitions, replicas, settings(change.desired))

    def _alter(self, name: str, desired: Mapping[str, Json]) -> None:
        live = self._look(name, desired)
        total = cast("int", desired[PARTITIONS])
        if live.exists and cast("int", live.attributes[PARTITIONS]) < total:
            self._admin.add_partitions(name, total)
        wanted, there = settings(desired), settings(live.attributes)
        changes: dict[str, str | None] = {key: v for key, v in wanted.items() if not same(there.get(key), v)}
        changes |= {key: None for key in there if key not in wanted}
        if changes:
            self._admin.configure(name, changes)

    def _erase(self, name: str, change: Change) -> None:
        live = self._look(name, change.desired)
        if not live.exists:
            return
        if live.identity != change.identity:
            raise PlanRefused(
                "another topic stands here than the one the plan would delete", where=name, remedy=NEW_PLAN
            )
        self._admin.delete(name)


def _state(change: Change, *, is_there: bool) -> str:
    if change.action is not Action.NO_OP:
        return "drift" if change.drifted else f"pending {change.action}"
    return "ok" if is_there else "missing"


def _attributes(side: Sides) -> Mapping[str, Json]:
    """Settings that are managed, or were: of both sides."""
    applied = side.applied.attributes if side.applied is not None else {}
    return {**applied, **(side.desired.attributes if side.desired is not None else {})}


def _name(side: Sides) -> str:
    return str(_attributes(side)["name"])


def _observed(live: LiveTopic | None, managed: Mapping[str, Json]) -> Observed:
    if live is None:
        return ABSENT
    attributes: dict[str, Json] = {PARTITIONS: live.partitions, REPLICATION: live.replicas}
    attributes |= {f"{CONFIG}{n}": value for n, value in live.config.items() if n in managed or n in live.own}
    return Observed(exists=True, identity=live.id, attributes=attributes)


def _detail(desired: Mapping[str, Json]) -> str:
    milliseconds = int(str(desired.get("config.retention.ms", 0)))
    kept = format_duration(timedelta(milliseconds=milliseconds)) if milliseconds > 0 else "for ever"
    partitions, copies = (cast("int", desired.get(key, 0)) for key in (PARTITIONS, REPLICATION))
    return f"{count(partitions, 'partition')}, {copies} {'copy' if copies == 1 else 'copies'}, kept {kept}"
