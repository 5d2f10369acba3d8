"""A store goes away and comes back with other keys while a table runs."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from engine.stack.s3 import BUCKET, SeaweedStore
from tests.faults.checker import Rows
from tests.faults.nursery import Nursery
from tests.faults.project import Project

pytestmark = [pytest.mark.server, pytest.mark.fault]

WHO, FIRST, SECOND = "worker", "only-for-tests-first", "only-for-tests-second"
PATIENCE_S = 60.0
TARGET = """\
target: local
mongodb: {{uri: "{uri}"}}
lake:
  uri: s3://{bucket}/lake
  storage: {{endpoint: "{endpoint}", allow_http: true, access_key: {who}, secret_key: "${{file:{file}}}"}}
"""


class StoreWithGuest(SeaweedStore):
    """Lets in a second user, whose secret can be exchanged while the store is down."""

    secret = FIRST

    def _prepare(self) -> None:
        super()._prepare()
        file = self.folder / "s3.json"
        known = json.loads(file.read_text())
        guest = {"name": WHO, "credentials": [{"accessKey": WHO, "secretKey": self.secret}], "actions": ["Admin"]}
        file.write_text(json.dumps({"identities": [*known["identities"], guest]}))


def test_a_store_is_waited_for_and_keys_that_were_exchanged_in_their_file_are_used_from_the_next_refusal_on(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    key = tmp_path / "key"
    key.write_text(FIRST)
    with StoreWithGuest(tmp_path / "store") as store:
        project = Project(tmp_path / "project", mongo, f"{database.name}.things")
        project.write()
        text = TARGET.format(uri=mongo, bucket=BUCKET, endpoint=store.endpoint, who=WHO, file=key)
        (project.folder / "specs/targets/local.yaml").write_text(text)
        database.things.insert_one({"_id": "first"})
        project.apply(nursery)
        running = project.start("run", nursery=nursery)
        assert running.wait_for("batch appended"), running.text

        store.stop()
        store.secret = SECOND
        key.write_text(SECOND)
        store.start()
        database.things.insert_one({"_id": "second"})

        assert running.wait_for("table reopens"), running.text
        changes = f"s3://{BUCKET}/lake/things/changes"
        until = time.monotonic() + PATIENCE_S
        while (found := Rows.read(changes, store.storage_options()).identities()) != ["first", "second"]:
            assert time.monotonic() < until, (found, running.text)
            time.sleep(0.2)
        running.send(signal.SIGTERM)
        assert running.wait() == 0, running.text
