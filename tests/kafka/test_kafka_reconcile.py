"""A table on Kafka is compared while changes are in the topic, on their way there, or nowhere."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from engine.reconcile.counts import EQUAL
from engine.reconcile.repair import Repaired, repair
from engine.reconcile.result import Mode, Result
from engine.reconcile.verdict import Verdict
from engine.stack.connect import ConnectWorker
from engine.stack.kafka import KafkaBroker
from tests.faults.nursery import Nursery
from tests.faults.workload import Writer
from tests.kafka.connector import Connector
from tests.kafka.project import KafkaProject
from tests.kafka.test_kafka_end_to_end import wait_for_id
from tests.kafka.topic import KafkaTopic
from tests.reconcile.comparing import compare, comparing, told
from tests.reconcile.test_reconcile import rewrite

pytestmark = [pytest.mark.server, pytest.mark.kafka]


def every_mode(project: KafkaProject) -> list[Result]:
    """In full, by counts, and a sample of more than there is."""
    modes: list[Mode] = ["full", "counts", "sampled"]
    return [compare(project, mode=mode, rate=0.01) for mode in modes]  # type: ignore[arg-type]


def test_a_difference_is_confirmed_only_when_nothing_is_on_its_way_and_then_repaired(
    tmp_path: Path, mongo: str, database: Database[Any], kafka: KafkaBroker, connect: ConnectWorker, nursery: Nursery
) -> None:
    things = database["things"]
    project = KafkaProject(tmp_path, kafka.bootstrap_servers, database.name, namespace=things.full_name)
    project.write()
    target = project.folder / "specs/targets/production.yaml"
    text = target.read_text().replace("mongodb://127.0.0.1:1/?replicaSet=none", mongo)
    target.write_text(text.replace("http://127.0.0.1:1", connect.url))
    project.create()
    things.insert_many([{"_id": f"k{number}", "n": number} for number in range(50)])
    connector = Connector(connect.url, f"{database.name}.things", mongo, things.full_name)
    with KafkaTopic(kafka.bootstrap_servers, project.topic):
        connector.start()
        connector.wait_until_it_runs()
        worker = project.start("run", nursery=nursery)
        wait_for_id(project, "k49", worker)
        things.insert_one({"_id": "after the snapshot"})
        wait_for_id(project, "after the snapshot", worker)
        writer = Writer(things, seed=4, rate=100, most=2_000)
        writer.start()
        moving = [compare(project, wait_s=5.0, rounds=3) for _ in range(2)]  # type: ignore[arg-type]
        writer.finish()
        things.insert_one({"_id": "last"})
        wait_for_id(project, "last", worker)
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0, worker.text
        project.catch_up(nursery)
        at_rest = every_mode(project)
        rewrite(project.paths.current, lambda rows: [row for row in rows if row["_id"] != "last"])
        things.insert_one({"_id": "on its way"})
        damaged, damaged_counts, damaged_sample = every_mode(project)
        with comparing(project) as comparison:  # type: ignore[arg-type]
            repaired = repair(comparison, damaged)
        things.update_one({"_id": "last"}, {"$set": {"n": "newer than the repair"}})
        things.insert_one({"_id": "the very last"})
        worker = project.start("run", nursery=nursery)
        wait_for_id(project, "the very last", worker)
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0, worker.text
        project.catch_up(nursery)
        mended = compare(project)  # type: ignore[arg-type]
        connector.delete()

    assert not any(verdict.is_confirmed for result in moving for verdict in told(result).values()), moving
    assert [(result.totals, result.exit_code) for result in at_rest] == [({}, 0)] * 3
    assert at_rest[1].confidence == EQUAL
    assert told(damaged) == told(damaged_sample) == {"last": Verdict.MISSING, "on its way": Verdict.IN_FLIGHT}
    assert damaged_counts.totals == {Verdict.MISSING: 1}, "two rows too few, of which one may be on its way"
    assert repaired == Repaired(1, {})
    assert (told(mended), mended.exit_code) == ({}, 0)
