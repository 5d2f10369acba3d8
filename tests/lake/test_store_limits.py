"""What a target says about timeouts and retries is what requests to its store do."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from deltalake import DeltaTable

from engine.spec.target import Storage
from tests.lake.fake_store import fake


def options(endpoint: str, **limits: Any) -> dict[str, str]:  # noqa: ANN401 - whatever a spec may hold
    storage = {"endpoint": endpoint, "access_key": "key", "secret_key": "secret", "allow_http": True}
    return Storage.model_validate(storage | limits).options()


@pytest.mark.parametrize("retries", [0, 2])
def test_a_request_that_failed_is_sent_again_as_often_as_the_target_says(retries: int) -> None:
    with fake(lambda *_: 500) as store:
        store.get_status = 503
        with pytest.raises(OSError, match=r"503"):
            DeltaTable("s3://bucket/t", storage_options=options(store.options["aws_endpoint"], retries=retries))
    assert store.gets == retries + 1


def test_after_the_deadline_no_request_is_sent_again() -> None:
    with fake(lambda *_: 500) as store:
        store.get_status = 503
        limits = {"retries": 100, "retry_deadline": "1ms"}
        with pytest.raises(OSError, match=r"503"):
            DeltaTable("s3://bucket/t", storage_options=options(store.options["aws_endpoint"], **limits))
    assert store.gets < 5


def test_a_store_that_takes_the_connection_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(OSError, match=r"(?i)timed? ?out"):
            DeltaTable("s3://bucket/t", storage_options=options(endpoint, retries=0, timeout="200ms"))


def test_every_limit_is_one_that_the_library_reads() -> None:
    good = options("http://127.0.0.1:1", retries=0)
    for name in ("connect_timeout", "timeout", "pool_max_idle_per_host", "max_retries", "retry_timeout"):
        assert name in good
        with pytest.raises(Exception, match=r"(?i)parse"):
            DeltaTable("s3://bucket/t", storage_options=good | {name: "nonsense"})
