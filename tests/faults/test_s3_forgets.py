"""INV-1: a store of several hosts may say for a while that a table, a commit or a file of it, is not there."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from engine.stack.s3 import BUCKET, S3Store
from tests.faults.checker import Rows
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.s3_proxy import Fault, On, Rule, S3Proxy
from tests.patience import wait_until

pytestmark = [pytest.mark.server, pytest.mark.fault]

TARGET = """\
target: local
mongodb: {{uri: "{uri}"}}
lake:
  uri: s3://{bucket}/{name}
  storage: {{endpoint: "{endpoint}", allow_http: true, access_key: {access_key}, secret_key: {secret_key}}}
"""


@pytest.mark.parametrize("on", [On.LOG, On.ENTRY, On.ROWS])
def test_a_run_asks_again_for_what_the_store_says_is_not_there(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery, s3: S3Store, on: On
) -> None:
    name = f"{database.name}-{on.name.lower()}"
    direct = s3.storage_options()
    keys = {"access_key": direct["aws_access_key_id"], "secret_key": direct["aws_secret_access_key"]}
    with S3Proxy(s3.endpoint) as proxy:
        project = Project(tmp_path, mongo, f"{database.name}.things")
        project.write()
        text = TARGET.format(uri=mongo, bucket=BUCKET, name=name, endpoint=proxy.endpoint, **keys)
        (project.folder / "specs/targets/local.yaml").write_text(text)
        database.things.insert_one({"_id": "first"})
        project.apply(nursery)
        running = project.start("run", nursery=nursery)
        assert running.wait_for("batch appended"), running.text

        proxy.suffer(Rule(on, (Fault.UNKNOWN,)))
        database.things.insert_one({"_id": "second"})
        wait_until(lambda: len(proxy.suffered()) > 1 or running.has_ended)
        assert not running.has_ended, running.text
        proxy.suffer()

        for table in ("changes", "current"):
            uri = f"s3://{BUCKET}/{name}/things/{table}"
            wait_until(lambda uri=uri: Rows.read(uri, direct).identities() == ["first", "second"])
        running.send(signal.SIGTERM)
        assert running.wait() == 0, running.text
