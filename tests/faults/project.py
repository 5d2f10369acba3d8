"""A project that follows a collection by its change stream, and what has to be true of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bson import Timestamp
from pymongo.collection import Collection

from engine.lake.layout import TablePaths
from tests.faults.checker import Rows, check_current, check_history, check_log
from tests.faults.nursery import Nursery
from tests.faults.spec_folder import SpecFolder
from tests.faults.witness import documents, read_all

TARGET = """\
target: local
mongodb: {{uri: "{uri}"}}
transport: {{change_stream: {{}}}}
lake: {{uri: .oplake/lake}}
state: sqlite:///.oplake/state.db
"""
PIPELINE = """\
pipeline: {name}
source:
  collections: [{namespace}]
table:
  mode: {mode}
  on_conflict: {on_conflict}
  fold: {{every: {fold_every}}}
batch: {{max_rows: {max_rows}, max_age: {max_age}}}
"""


@dataclass
class Project(SpecFolder):
    """Specs for one collection, small batches and folds so that there is much to be killed in."""

    folder: Path
    uri: str
    namespace: str
    mode: str = "current"
    on_conflict: str = "rescue"
    fold_every: str = "150ms"
    max_rows: int = 40
    max_age: str = "30ms"
    name: str = "things"

    def write(self) -> None:
        self.write_specs(
            {"targets/local": TARGET.format(uri=self.uri), f"pipelines/{self.name}": PIPELINE.format(**vars(self))}
        )

    @property
    def paths(self) -> TablePaths:
        return TablePaths(str(self.folder / ".oplake/lake"), self.name)

    def apply(self, nursery: Nursery | None = None) -> None:
        self.finish("apply", "--yes", nursery=nursery)

    def problems(self, collection: Collection[Any], since: Timestamp, last: str) -> list[str]:
        """Everything that is wrong with the tables.

        Args:
            since: a cluster time before the first write.
            last: ``_id`` of the document whose insert was the last write of all.
        """
        log, now = Rows.read(self.paths.changes), documents(collection)
        problems = check_log(log, read_all(collection, since, last))
        if self.mode == "current":
            return problems + check_current(Rows.read(self.paths.current), now)
        return problems + check_history(Rows.read(self.paths.history), log, now)
