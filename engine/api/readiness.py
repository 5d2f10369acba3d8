"""Whether everything that the service needs answers, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text

from engine.api.service import Service
from engine.errors import OplakeError
from engine.planner.scope import Scope
from engine.resources.connect_rest import ConnectRest
from engine.resources.kafka_admin import KafkaAdmin
from engine.resources.kafka_client import client_config

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency."""

    ok: bool
    ms: float
    """How long it took to answer, or to fail."""
    code: str = ""
    reason: str = ""


def readiness(service: Service) -> dict[str, Any]:
    """Every dependency, asked at the same time."""
    checks: Mapping[str, Callable[[], object]] = {"specs": service.project, "state": lambda: _state(service)}
    with suppress(OplakeError):  # the check of the specs says why
        checks = {**checks, **_of_target(service, service.scope())}
    with ThreadPoolExecutor(len(checks)) as pool:
        done = dict(zip(checks, pool.map(_check, checks.values()), strict=True))
    failing = {name: check for name, check in done.items() if not check.ok}
    return {
        "ready": not failing,
        "reason": "; ".join(f"{name}: {check.reason}" for name, check in failing.items()),
        "checks": {name: asdict(check) for name, check in done.items()},
    }


def _of_target(service: Service, scope: Scope) -> dict[str, Callable[[], object]]:
    checks: dict[str, Callable[[], object]] = {
        "source": lambda: _source(service, scope),
        "lake": lambda: _lake(service, scope),
    }
    kafka = scope.target.transport.kafka
    if kafka is not None:
        checks["kafka"] = lambda: KafkaAdmin(client_config(kafka)).brokers()
        checks["connect"] = lambda: ConnectRest(kafka.connect_url.resolved()).connectors()
    return checks


def _check(ask: Callable[[], object]) -> Check:
    started = time.monotonic()
    try:
        ask()
    except OplakeError as error:
        return Check(False, _ms(started), error.code, error.what.partition("\n")[0])
    return Check(True, _ms(started))


def _ms(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)


def _state(service: Service) -> None:
    with service.database.reading() as connection:
        connection.execute(text("SELECT 1"))


def _source(service: Service, scope: Scope) -> None:
    with service.source(scope) as source:
        source.stream_problem()


def _lake(service: Service, scope: Scope) -> None:
    with service.workspace(scope) as workspace:
        workspace.require_sound_store()
        for kind in workspace.kinds.values():
            for applied in workspace.applied().values():
                if applied.kind == kind.name == "table":
                    kind.observe(None, applied)
                    return
