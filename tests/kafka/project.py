"""A project whose target is a Kafka topic, and what has to be true of its table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import bson
from deltalake import DeltaTable

from engine.lake.change_log import ChangeLog
from engine.lake.layout import TablePaths, dead_letters_uri
from engine.spec.types import Struct
from tests.faults.checker import Rows, check_history
from tests.faults.spec_folder import SpecFolder
from tests.kafka.topic import START_S, Collection, Event

TARGET = """\
target: {target}
mongodb: {{uri: "mongodb://127.0.0.1:1/?replicaSet=none"}}
transport:
  kafka:
    bootstrap_servers: "{bootstrap}"
    connect_url: "http://127.0.0.1:1"
    client: {client}
lake: {{uri: .oplake/lake}}
state: sqlite:///.oplake/state.db
"""
SHORT_SESSIONS = {"session.timeout.ms": "2000", "heartbeat.interval.ms": "500"}
PIPELINE = """\
pipeline: {name}
source: {{collections: [{namespace}]}}
table: {{mode: {mode}, fold: {{every: {fold_every}}}}}
batch: {{max_rows: {max_rows}, max_age: {max_age}}}
max_dead_letters: {max_dead_letters}
"""


@dataclass
class KafkaProject(SpecFolder):
    """Specs for one collection; the log is made directly, as there is no connector to apply."""

    folder: Path
    bootstrap: str
    target: str
    mode: str = "current"
    fold_every: str = "150ms"
    max_rows: int = 40
    max_age: str = "30ms"
    max_dead_letters: int = 100
    name: str = "things"
    namespace: str = "shop.things"
    client: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> None:
        client = json.dumps({**SHORT_SESSIONS, **self.client})
        target = TARGET.format(**{**vars(self), "client": client})
        self.write_specs({"targets/production": target, f"pipelines/{self.name}": PIPELINE.format(**vars(self))})

    def create(self) -> None:
        ChangeLog.create(self.paths.changes, Struct({}))

    @property
    def topic(self) -> str:
        return f"{self.target}.{self.name}.{self.namespace}"

    @property
    def paths(self) -> TablePaths:
        return TablePaths(str(self.folder / ".oplake/lake"), self.name)

    @property
    def dead_letters_uri(self) -> str:
        return dead_letters_uri(str(self.folder / ".oplake/lake"), self.name)

    def position(self) -> dict[str, int]:
        return ChangeLog.open(self.paths.changes).position()

    def problems(self, events: Iterable[Event], collection: Collection) -> list[str]:
        """Everything that is wrong: the log holds each event once, the folded table is the collection."""
        log = Rows.read(self.paths.changes).rows
        told = sorted((event.op, json.dumps(event.id), event.number) for event in events)
        orders = [row["_position"] for row in log]
        problems = [f"{len(orders) - len(set(orders))} rows twice in the log"] if len(set(orders)) < len(orders) else []
        if len(log) != len(told):
            problems.append(f"{len(log)} rows in the log of {len(told)} events")
            there = {(int(order[:8], 16) - START_S) * 1000 + int(order[8:16], 16) - 1 for order in orders}
            problems.append(f"missing: {sorted({number for *_, number in told} - there)[:20]}")
        folded = self.paths.history if self.mode == "history" else self.paths.current
        if not DeltaTable.is_deltatable(folded):
            return [*problems, "nothing was folded yet"]
        return problems + self._folded_problems(collection)

    def _folded_problems(self, collection: Collection) -> list[str]:
        if self.mode == "history":
            bsons = {key: bson.encode(document) for key, document in collection.documents.items()}
            return check_history(Rows.read(self.paths.history), Rows.read(self.paths.changes), bsons)
        table = Rows.read(self.paths.current)
        found = {row["_id"]: bson.decode(table.document(row)) for row in table.rows}
        wanted = collection.documents
        wrong = [key for key in {*found, *wanted} if found.get(key) != wanted.get(key)]
        if len(table.rows) != len(found):
            wrong.append("an _id stands twice in the current table")
        return [f"the current table is wrong about {key}" for key in sorted(wrong)[:5]]
