"""What the routes stand on: one project on one target, its state held open, and what was last seen of its tables."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from engine.api.fresh import Fresh
from engine.api.overview import Rates, overview
from engine.api.settings import Settings
from engine.api.threads import threaded
from engine.planner.plan import Plan
from engine.planner.scope import Scope, one_scope
from engine.planner.status import Report, report
from engine.planner.workspace import Workspace
from engine.resources.kinds import kinds_of
from engine.resources.mongodb_view import MongoView, open_source
from engine.spec.project import Project, load_project
from engine.spec.spec_files import SPECS, spec_paths
from engine.state.api_keys import ApiKeys
from engine.state.audit import Audit
from engine.state.database import Database, open_database
from engine.state.jobs import Jobs
from engine.state.wanted_runs import WantedRuns

SOURCE_TIMEOUT_MS = 3000
LOOK_AT_FILES_S = 1.0


class Service:
    """Everything here blocks, but for what ``Fresh`` holds: routes call it in threads."""

    def __init__(self, settings: Settings) -> None:
        """Open the state.

        Raises:
            SpecError, UsageError: the project cannot be read, or runs on several targets and none is named.
            StateError: the state cannot be opened.
        """
        self.settings = settings
        self._files: tuple[object, Project] | None = None
        self._looked_at = 0.0
        self._lock = Lock()
        self._rates = Rates()
        scope = self.scope()
        self.target = scope.name
        self.database: Database = open_database(scope.target.state_url(scope.root))
        self.keys = ApiKeys(self.database)
        self.audit = Audit(self.database)
        self.jobs = Jobs(self.database, self.target)
        self.wanted = WantedRuns(self.database, self.target)
        self.report: Fresh[Report] = Fresh(partial(threaded, self._report), settings.fresh_s)
        self.overview: Fresh[Mapping[str, Any]] = Fresh(partial(threaded, self._overview), settings.fresh_s)

    def close(self) -> None:
        """Give the state back."""
        self.database.close()

    def project(self) -> Project:
        """The specs as they are now; read again when a file has changed.

        Raises:
            SpecError, UsageError: they are wrong.
        """
        with self._lock:
            now = time.monotonic()
            if self._files is not None and now - self._looked_at < LOOK_AT_FILES_S:
                return self._files[1]
            seen = _fingerprint(self.settings.project)
            if self._files is None or self._files[0] != seen:
                self._files = (seen, load_project(self.settings.project))
            self._looked_at = now
            return self._files[1]

    def forget(self) -> None:
        """Specs or tables have just been changed."""
        self._looked_at = 0.0
        self.report.forget()
        self.overview.forget()

    def scope(self) -> Scope:
        """The target with its pipelines; raises as ``project`` does."""
        return one_scope(self.project(), self.settings.target_name)

    @contextmanager
    def workspace(self, scope: Scope | None = None) -> Iterator[Workspace]:
        """What planning takes, over the state that is open already."""
        chosen = scope or self.scope()
        yield Workspace(chosen, self.database, kinds_of(chosen.target))

    def source(self, scope: Scope | None = None) -> AbstractContextManager[MongoView]:
        """The target's MongoDB, asked for a few seconds at most."""
        return open_source((scope or self.scope()).target, SOURCE_TIMEOUT_MS)

    def plan(self, scope: Scope | None = None) -> Plan:
        """As ``oplake plan``."""
        chosen = scope or self.scope()
        with self.workspace(chosen) as workspace, self.source(chosen) as source:
            return workspace.plan(source)

    def project_with(self, instead: Mapping[Path, bytes | None]) -> Project:
        """The specs as they would be with these texts."""
        return load_project(self.settings.project, instead)

    def spec_path(self, pipeline: str) -> Path:
        """Where the pipeline's spec is, or would be."""
        for path, folder in spec_paths(self.settings.project):
            if folder == "pipelines" and path.stem == pipeline:
                return path
        return self.settings.project / SPECS / "pipelines" / f"{pipeline}.yaml"

    def _report(self) -> Report:
        scope = self.scope()
        with self.workspace(scope) as workspace:
            return report(workspace, self.source(scope))

    def _overview(self) -> Mapping[str, Any]:
        return overview(self.scope(), self._report(), self.wanted.all(), self._rates)


def _fingerprint(root: Path) -> object:
    paths = [path for path, _ in spec_paths(root)]
    return [(str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino) for path in paths for stat in (path.stat(),)]
