"""From a collection through Debezium, Connect and Kafka into the table, while Connect and workers are killed."""

from __future__ import annotations

import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from engine.stack.connect import ConnectWorker
from engine.stack.kafka import KafkaBroker
from tests.faults.checker import Rows, check_current
from tests.faults.nursery import Nursery
from tests.faults.running import Running
from tests.faults.witness import documents, read_all, server_time
from tests.faults.workload import Writer
from tests.kafka.connector import Connector
from tests.kafka.project import KafkaProject
from tests.kafka.topic import KafkaTopic

pytestmark = [pytest.mark.server, pytest.mark.kafka, pytest.mark.fault]

PATIENCE_S = 120.0
ROUNDS = 3
WRITES_A_ROUND = 400


def wait_for_id(project: KafkaProject, identity: str, worker: Running) -> None:
    """Until the log holds it, as long as anything at all arrives: a slow machine is no loss."""
    most, until = -1, 0.0
    while identity not in (found := [row["_id"] for row in Rows.read(project.paths.changes).rows]):
        if len(found) > most:
            most, until = len(found), time.monotonic() + PATIENCE_S
        assert time.monotonic() < until, f"{identity} does not arrive after {most} rows:\n{worker.text}"
        time.sleep(0.3)


def test_the_table_is_the_collection_and_the_log_holds_each_change_once(
    tmp_path: Path, mongo: str, database: Database[Any], kafka: KafkaBroker, connect: ConnectWorker, nursery: Nursery
) -> None:
    things = database["things"]
    project = KafkaProject(tmp_path, kafka.bootstrap_servers, database.name, namespace=things.full_name)
    project.write()
    project.create()
    things.insert_one({"_id": "first"})
    connector = Connector(connect.url, f"{database.name}.things", mongo, things.full_name)
    writer = Writer(things, seed=8, rate=150, most=0)
    with KafkaTopic(kafka.bootstrap_servers, project.topic):
        connector.start()
        connector.wait_until_it_runs()
        workers = [project.start("run", nursery=nursery)]
        wait_for_id(project, "first", workers[-1])
        since = server_time(database.client)
        writer.start()
        for _ in range(ROUNDS):
            writer.most += WRITES_A_ROUND
            time.sleep(2)
            connect.kill()
            assert workers[-1].kill() == -signal.SIGKILL
            workers.append(project.start("run", nursery=nursery))
            connect.start()
            connector.wait_until_it_runs()
        writer.finish()
        things.insert_one({"_id": "last"})
        wait_for_id(project, "last", workers[-1])
        workers[-1].send(signal.SIGTERM)
        assert workers[-1].wait() == 0, workers[-1].text
        project.catch_up(nursery)
        connector.delete()

    log = Rows.read(project.paths.changes)
    told = Counter((event.op, event.id_text) for event in read_all(things, since, "last"))
    found = Counter((row["_op"], row["_id"]) for row in log.rows if row["_op"] != "r")
    assert found == told
    assert len({row["_position"] for row in log.rows}) == len(log.rows)
    assert check_current(Rows.read(project.paths.current), documents(things)) == []
