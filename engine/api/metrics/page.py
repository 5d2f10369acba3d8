"""The service's page for Prometheus: requests as counted, everything else as it stood a few seconds ago."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from engine.api.fresh import Fresh
from engine.api.metrics.found import Found
from engine.api.metrics.requests import RequestCounts
from engine.api.metrics.standing import Standing, StandingCollector
from engine.api.service import Service
from engine.api.threads import threaded
from engine.errors import OplakeError, StateError
from engine.state.reconciliations import Reconciliations

STATE_EVERY_S = 5.0
OPLOG_EVERY_S = 60.0


class MetricsPage:
    """Built for one application; asks the state and the source no more often than it has to."""

    def __init__(self, service: Service, requests: RequestCounts) -> None:
        self._requests = requests
        self._standing: Fresh[Standing] = Fresh(partial(threaded, standing, service), STATE_EVERY_S)
        self._oplog: Fresh[float | None] = Fresh(partial(threaded, _oplog_window_s, service), OPLOG_EVERY_S)

    async def text(self, accept: str) -> tuple[bytes, str]:
        """The page in the newest form that ``accept`` (an HTTP header) takes, and its content type."""
        found = CollectorRegistry()
        found.register(StandingCollector(await self._standing.get(), await self._oplog.get()))
        encode, content_type = choose_encoder(accept)
        # Processes that share their counts keep them in files.
        return await threaded(lambda: _joined(encode, self._requests.registry, found)), content_type


def standing(service: Service) -> Standing:
    """What the state database tells; a database that does not answer is something to tell, too."""
    passes = Reconciliations(service.database, service.target)
    try:
        return Standing(
            service.target,
            is_up=True,
            jobs=service.jobs.counts(),
            runs=tuple(service.wanted.all().values()),
            reconciled=tuple(Found.of(one) for one in passes.latest()),
        )
    except StateError:
        return Standing(service.target)


def _oplog_window_s(service: Service) -> float | None:
    with suppress(OplakeError), service.source() as source:
        hours = source.oplog_window_hours()
        return None if hours is None else hours * 3600
    return None


def _joined(encode: Callable[[CollectorRegistry], bytes], *registries: CollectorRegistry) -> bytes:
    """One page of several registries; in OpenMetrics each would end the page."""
    end = b"# EOF\n"
    pages = [encode(registry) for registry in registries]
    ends = any(page.endswith(end) for page in pages)
    return b"".join(page.removesuffix(end) for page in pages) + (end if ends else b"")
