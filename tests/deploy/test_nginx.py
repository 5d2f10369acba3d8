"""The load balancer before a store: commits go on when one of the store's nodes dies."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from engine.lake.change_log import ChangeLog
from engine.lake.store_probe import require_conditional_put
from engine.stack.ports import LOOPBACK
from engine.stack.s3 import BUCKET
from tests.deploy.balanced_store import Balancer, Gateway, Store, append, needs_nginx
from tests.lake.changes import COLUMNS

pytestmark = [needs_nginx, pytest.mark.server]


def test_no_commit_is_lost_or_doubled_when_a_node_dies(tmp_path: Path) -> None:
    with (
        Store(tmp_path / "store") as store,
        Gateway(tmp_path / "one", store) as one,
        Gateway(tmp_path / "two", store) as two,
        Balancer(tmp_path / "nginx", [f"{LOOPBACK}:{node.port}" for node in (one, two)]) as balancer,
    ):
        uri, options = f"s3://{BUCKET}/lake/things/changes", balancer.storage_options()
        require_conditional_put(f"s3://{BUCKET}/lake", options)
        log = ChangeLog.create(uri, COLUMNS, storage_options=options, position={"p": 0})
        for number in range(1, 31):
            if number == 10:
                shares = [sum(f":{node.port}" in sent for sent in balancer.requests()) for node in (one, two)]
                assert min(shares) > 10
                two.kill()
            log = append(log, number)
        ids = pa.table(DeltaTable(uri, storage_options=options).scan(columns=["_id"]))["_id"].to_pylist()
        assert sorted(ids) == sorted(str(number) for number in range(1, 31))
        assert any(f":{two.port}," in sent and f":{one.port}" in sent for sent in balancer.requests())
