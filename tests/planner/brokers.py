"""A Kafka and a Kafka Connect in memory, as far as a plan looks at them; ``tests/transport`` asks the real ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.resources.connect_rest import ConnectFailed
from engine.resources.connector import ConnectorKind
from engine.resources.kafka_admin import LiveTopic
from engine.resources.resource import Kind
from engine.resources.table import TableKind
from engine.resources.topic import TopicKind
from engine.spec.target import Target

DEFAULTS = {"retention.ms": "604800000", "cleanup.policy": "delete", "segment.ms": "604800000"}


@dataclass
class Brokers:
    """Topics by name. ``done`` lists what was changed, in order."""

    live: dict[str, LiveTopic] = field(default_factory=dict)
    number: int = 3
    done: list[str] = field(default_factory=list)
    made: int = 0

    def brokers(self) -> int:
        return self.number

    def topics(self, names: Collection[str]) -> dict[str, LiveTopic]:
        return {name: self.live[name] for name in names if name in self.live}

    def create(self, name: str, partitions: int, replicas: int, config: Mapping[str, str]) -> None:
        self.made += 1
        self.done.append(f"create {name}")
        self.live[name] = LiveTopic(f"id{self.made}", partitions, replicas, DEFAULTS | config, frozenset(config))

    def add_partitions(self, name: str, total: int) -> None:
        self.done.append(f"partitions {name} {total}")
        self.live[name] = replace(self.live[name], partitions=total)

    def configure(self, name: str, changes: Mapping[str, str | None]) -> None:
        topic = self.live[name]
        config = {**topic.config, **{k: DEFAULTS.get(k, "") if v is None else v for k, v in changes.items()}}
        own = (topic.own | set(changes)) - {key for key, value in changes.items() if value is None}
        self.done.append(f"configure {name} {sorted(changes)}")
        self.live[name] = replace(topic, config=config, own=own)

    def delete(self, name: str) -> None:
        self.done.append(f"delete {name}")
        del self.live[name]


@dataclass
class Workers:
    """Connectors by name, in Connect's own words; whatever is put runs at once."""

    live: dict[str, dict[str, str]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    stored: dict[str, list[Any]] = field(default_factory=dict)
    refuses: dict[str, list[str]] = field(default_factory=dict)
    breaks: str | None = None
    """The setting over which Connect fails instead of refusing it."""
    masks: bool = False
    fails: str = ""
    """The stack trace with which every connector fails that shall run."""
    done: list[str] = field(default_factory=list)

    def connectors(self) -> dict[str, dict[str, Any]]:
        return {name: {"info": {"config": self.config(name)}, "status": self.status(name)} for name in self.live}

    def config(self, name: str) -> dict[str, str] | None:
        if name not in self.live:
            return None
        shown = {**self.live[name], "name": name}
        return shown | {"mongodb.connection.string": "********"} if self.masks else shown

    def status(self, name: str) -> dict[str, Any] | None:
        state = self.states[name]
        failed = {"trace": self.fails} if state == "FAILED" else {}
        tasks = [] if state == "STOPPED" else [{"id": 0, "state": state, **failed}]
        return {"connector": {"state": state}, "tasks": tasks}

    def validate(self, plugin: str, config: Mapping[str, str]) -> dict[str, list[str]]:
        assert plugin.endswith("MongoDbConnector")
        if self.breaks in config:
            raise ConnectFailed("Kafka Connect refuses PUT with 500")
        return {name: problems for name, problems in self.refuses.items() if name in config}

    def put(self, name: str, config: Mapping[str, str]) -> None:
        self.done.append(f"put {name}")
        self.live[name] = dict(config)
        self.states.setdefault(name, "RUNNING")

    def create_stopped(self, name: str, config: Mapping[str, str]) -> None:
        self.done.append(f"create {name}")
        self.live[name], self.states[name] = dict(config), "STOPPED"

    def pause(self, name: str) -> None:
        self.states[name] = "PAUSED"

    def resume(self, name: str) -> None:
        self.states[name] = "FAILED" if self.fails else "RUNNING"
        self.stored[name] = ["somewhere"]

    def stop(self, name: str) -> None:
        self.done.append(f"stop {name}")
        self.states[name] = "STOPPED"

    def restart(self, name: str) -> None:
        self.done.append(f"restart {name}")
        self.states[name] = "RUNNING"

    def offsets(self, name: str) -> list[Any]:
        return self.stored.get(name, [])

    def delete_offsets(self, name: str) -> None:
        assert self.states[name] == "STOPPED", "Connect lets nobody change the offsets of a connector that runs"
        self.done.append(f"forget {name}")
        self.stored.pop(name, None)

    def delete(self, name: str) -> None:
        self.done.append(f"delete {name}")
        del self.live[name]


@dataclass
class Cluster:
    """Both, with the snapshots that connectors were asked for."""

    brokers: Brokers = field(default_factory=Brokers)
    workers: Workers = field(default_factory=Workers)
    signals: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def kinds_of(self, target: Target, *, reset_offsets: bool = False) -> Mapping[str, Kind]:
        """In place of ``engine.resources.kinds.kinds_of``."""
        tables = TableKind(target.lake.storage_options())
        kafka = target.transport.kafka
        if kafka is None:
            return {tables.name: tables}
        topics = TopicKind(self.brokers)  # type: ignore[arg-type]
        connectors = ConnectorKind(target, kafka, self.workers, reset_offsets=reset_offsets)  # type: ignore[arg-type]
        return {kind.name: kind for kind in (topics, tables, connectors)}

    def signal(self, client: Mapping[str, str | int], topic: str, prefix: str, collections: tuple[str, ...]) -> None:
        """In place of ``ask_for_snapshot``."""
        assert client["bootstrap.servers"] == "b:9092"
        assert topic in self.brokers.live
        self.signals.append((prefix, tuple(collections)))
