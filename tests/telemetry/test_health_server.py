"""Probes are answered over HTTP, whatever the worker is busy with."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from engine.stack.ports import free_port
from engine.telemetry.counters import TableCounters
from engine.telemetry.metrics.server import PortUnusable, health_server
from engine.telemetry.metrics.vitals import OwnVitals


@dataclass
class Probed:
    """A server and whom it tells of."""

    port: int
    vitals: OwnVitals

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}")


@contextmanager
def serving(*tables: TableCounters) -> Iterator[Probed]:
    vitals = OwnVitals()
    if tables:
        vitals.watch(tables)
    with health_server("127.0.0.1", 0, vitals) as port:
        yield Probed(port, vitals)


@pytest.fixture
def probed() -> Iterator[Probed]:
    with serving(TableCounters("orders", "shop", "streaming")) as one:
        yield one


def test_a_worker_that_works_is_alive_and_ready(probed: Probed) -> None:
    assert [(probed.get(path).status_code, probed.get(path).json()["status"]) for path in ("/health", "/ready")] == [
        (200, "live"),
        (200, "ready"),
    ]


def test_a_worker_that_is_not_ready_says_why(probed: Probed) -> None:
    probed.vitals.watch([TableCounters("orders", "shop", "failed", "resume-point-lost")])

    answer = probed.get("/ready")

    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["table orders: has stopped with an error (resume-point-lost)"]


def test_a_loop_that_hangs_is_told(probed: Probed) -> None:
    probed.vitals.watch([TableCounters("orders", "shop", "streaming", stepped_at=-1e6)])

    assert probed.get("/health").status_code == 503


def test_metrics_are_text_for_prometheus(probed: Probed) -> None:
    answer = probed.get("/metrics?debug=1")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'oplake_events_total{pipeline="shop",table="orders"} 0.0' in answer.text


def test_other_paths_and_methods_are_refused(probed: Probed) -> None:
    assert probed.get("/").status_code == 404
    assert httpx.post(f"http://127.0.0.1:{probed.port}/health").status_code == 501


def test_a_head_request_has_no_body(probed: Probed) -> None:
    answer = httpx.head(f"http://127.0.0.1:{probed.port}/health")

    assert (answer.status_code, answer.content) == (200, b"")


def test_a_client_that_says_nothing_keeps_no_probe_waiting(probed: Probed) -> None:
    with socket.create_connection(("127.0.0.1", probed.port)):
        assert probed.get("/health").status_code == 200


def test_a_port_that_is_taken_is_an_error_that_names_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortUnusable, match="listen") as caught, health_server("127.0.0.1", port, OwnVitals()):
            pass
    assert f"--health-port {port}" in caught.value.where


def test_the_port_is_free_again_when_the_run_is_over() -> None:
    port = free_port()
    for _ in range(2):
        with health_server("127.0.0.1", port, OwnVitals()):
            assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
