"""Whether everything that the service needs answers, and how fast."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, ParamSpec, TypeAlias

from anyio import to_thread
from sqlalchemy import text

from engine.api.service import SOURCE_TIMEOUT_MS, Service
from engine.errors import OplakeError, SourceError
from engine.planner.scope import Scope
from engine.resources.connect_rest import ConnectRest
from engine.resources.kafka_admin import KafkaAdmin
from engine.resources.kafka_client import client_config
from engine.source import probe

P = ParamSpec("P")
Ask: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency."""

    ok: bool
    ms: float
    """How long it took to answer, or to fail."""
    code: str = ""
    reason: str = ""


async def readiness(service: Service) -> dict[str, Any]:
    """Every dependency, asked at the same time."""
    checks: Mapping[str, Ask] = {"specs": _in_thread(service.project), "state": _in_thread(_state, service)}
    with suppress(OplakeError):  # the check of the specs says why
        checks = {**checks, **_of_target(service, await to_thread.run_sync(service.scope))}
    done = dict(zip(checks, await asyncio.gather(*map(_check, checks.values())), strict=True))
    failing = {name: check for name, check in done.items() if not check.ok}
    return {
        "ready": not failing,
        "reason": "; ".join(f"{name}: {check.reason}" for name, check in failing.items()),
        "checks": {name: asdict(check) for name, check in done.items()},
    }


def _of_target(service: Service, scope: Scope) -> dict[str, Ask]:
    checks: dict[str, Ask] = {"source": partial(_source, scope), "lake": _in_thread(_lake, service, scope)}
    kafka = scope.target.transport.kafka
    if kafka is not None:
        checks["kafka"] = _in_thread(lambda: KafkaAdmin(client_config(kafka)).brokers())
        checks["connect"] = _in_thread(lambda: ConnectRest(kafka.connect_url.resolved()).connectors())
    return checks


def _in_thread(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Ask:
    # Not among the routes' threads: whether the service is ready has to be told when all of those hang, too.
    return lambda: to_thread.run_sync(lambda: function(*args, **kwargs))


async def _check(ask: Ask) -> Check:
    started = time.monotonic()
    try:
        await ask()
    except OplakeError as error:
        return Check(False, _ms(started), error.code, error.what.partition("\n")[0])
    return Check(True, _ms(started))


def _ms(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)


def _state(service: Service) -> None:
    with service.database.reading() as connection:
        connection.execute(text("SELECT 1"))


async def _source(scope: Scope) -> None:
    uri = await to_thread.run_sync(scope.target.mongodb.uri.reveal)  # which may ask Vault
    async with probe.connect_async(uri, SOURCE_TIMEOUT_MS) as client:
        problem = await probe.can_stream_async(client)
    if problem is not None:
        what, _, remedy = problem.partition("; ")
        raise SourceError(what, where="mongodb.uri", remedy=remedy)


def _lake(service: Service, scope: Scope) -> None:
    with service.workspace(scope) as workspace:
        workspace.require_sound_store()
        for kind in workspace.kinds.values():
            for applied in workspace.applied().values():
                if applied.kind == kind.name == "table":
                    kind.observe(None, applied)
                    return
