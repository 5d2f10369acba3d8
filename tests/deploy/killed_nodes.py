"""Nodes of a MinIO of four hosts are killed behind nginx, while a log is written (INV-1, 2).

Runs in a network of its own, which ``test_store_nodes`` makes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from engine.errors import CommitConflict, LakeError
from engine.lake.change_log import ChangeLog
from engine.lake.delta_errors import reading
from engine.lake.store_probe import require_conditional_put
from engine.stack.s3 import BUCKET, S3Store
from tests.deploy.balanced_store import Balancer, append
from tests.deploy.prometheus import OBSERVABILITY, read_yaml
from tests.deploy.store_nodes import FOLDER, HOSTS, Node
from tests.lake.changes import COLUMNS, Change, rows
from tests.patience import wait_until

IMPATIENT = {"timeout": "5s", "connect_timeout": "1s", "max_retries": "2", "retry_timeout": "5s"}


@pytest.fixture(scope="module")
def nodes() -> Iterator[Sequence[Node]]:
    with ExitStack() as ends:
        nodes = [Node(Path(os.environ[FOLDER]), number) for number in range(1, HOSTS + 1)]
        for node in nodes:
            ends.callback(node.kill)
            node.launch()
        wait_until(lambda: all(node.takes_writes() for node in nodes))
        yield nodes


def test_prometheus_may_ask_a_node_without_a_key(nodes: Sequence[Node]) -> None:
    jobs = read_yaml(OBSERVABILITY / "prometheus" / "prometheus.yml")["scrape_configs"]
    (job,) = (job for job in jobs if job["job_name"] == "minio")
    told = httpx.get(nodes[0].address + job["metrics_path"], timeout=5)
    assert told.status_code == 200
    assert "minio_cluster_nodes_online_total" in told.text


def test_one_killed_node_costs_nothing_and_a_second_one_stops_the_writers_alone(
    nodes: Sequence[Node], tmp_path: Path
) -> None:
    first, second, third, fourth = nodes
    with Balancer(tmp_path / "nginx", [f"{node.host}:{node.port}" for node in nodes]) as balancer:
        options = balancer.storage_options() | IMPATIENT
        uri = f"s3://{BUCKET}/lake/things/changes"
        require_conditional_put(f"s3://{BUCKET}/lake", options)
        log = ChangeLog.create(uri, COLUMNS, storage_options=options, position={"p": 0})
        for number in range(1, 21):
            if number == 8:
                second.kill()
            log = append(log, number)
        assert first.takes_writes()

        third.kill()
        assert not first.takes_writes()
        with pytest.raises(CommitConflict, match=r"the store failed .* fate is unknown .*50[23]"):
            log.append(rows([Change("refused", 21, "c")], log.columns()), {"p": 21})
        assert ids(balancer, uri) == ids(fourth, uri) == numbers(20)

        for node in (second, third):
            node.launch()
        # For seconds a host that is back may say that what was written without it is not there.
        wait_until(lambda: all(ids(node, uri) == numbers(20) for node in nodes))
        log = ChangeLog.open(uri, options)
        assert log.position() == {"p": 20}
        log = append(log, 21)
        first.kill()
        append(log, 22)
        wait_until(lambda: [ids(store, uri) for store in (balancer, second, third)] == [numbers(22)] * 3)


def ids(store: S3Store, uri: str) -> Sequence[str]:
    """Of all rows; none while the store cannot read them."""
    try:
        with reading(uri):
            table = DeltaTable(uri, storage_options=store.storage_options() | IMPATIENT)
            return sorted(pa.table(table.scan(columns=["_id"]))["_id"].to_pylist(), key=int)
    except LakeError:
        return []


def numbers(last: int) -> Sequence[str]:
    return [str(number) for number in range(1, last + 1)]
