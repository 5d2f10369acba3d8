"""Records that cannot be decoded: kept before their position passes, replayed or dropped when somebody says so."""

from __future__ import annotations

import base64
import json
import signal

import pytest

from engine.lake.dead_letters import DeadLetters
from engine.telemetry.crash_points import VARIABLE
from tests.cli.command_line import oplake
from tests.faults.nursery import Nursery
from tests.kafka.project import KafkaProject
from tests.kafka.topic import Collection, KafkaTopic

pytestmark = [pytest.mark.server, pytest.mark.kafka]

BROKEN = b'{"this is": no envelope'


def kept(project: KafkaProject) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = DeadLetters(project.dead_letters_uri).read().to_pylist()
    return rows


def test_a_record_that_cannot_be_decoded_is_kept_as_it_came_and_the_rest_goes_on(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(40)
    topic.write(events)
    topic.write_raw(b"who", BROKEN, partition=2)

    project.catch_up(nursery)
    project.catch_up(nursery)

    (letter,) = kept(project)
    assert (letter["topic"], letter["partition"]) == (topic.name, 2)
    assert (letter["key"], letter["value"]) == (b"who", BROKEN)
    assert letter["code"]
    assert letter["replayed_at"] is None
    assert project.problems(events, collection) == []


@pytest.mark.fault
@pytest.mark.parametrize(
    "at", ["lake.dead_letters.before_commit", "lake.dead_letters.after_commit", "lake.append.before_commit"]
)
def test_a_death_between_letter_and_position_keeps_it_once(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery, at: str
) -> None:
    project.create()
    topic.write_raw(b"who", BROKEN)

    running = project.start("run", nursery=nursery, environment={VARIABLE: at})
    assert running.wait() == -signal.SIGKILL, running.text
    project.catch_up(nursery)

    assert len(kept(project)) == 1
    assert project.position()["kafka.0"] == 1


def test_more_of_them_than_the_budget_stop_the_table_before_them(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    project.max_dead_letters = 3
    project.write()
    project.create()
    for _ in range(3):
        topic.write_raw(b"who", BROKEN)
    project.catch_up(nursery)
    topic.write_raw(b"who", BROKEN)

    running = project.start("run", "--until-caught-up", nursery=nursery)

    assert running.wait() == 1
    (failed,) = [event for event in running.events if event["event"] == "table failed"]
    assert failed["code"] == "too-many-dead-letters"
    assert "max_dead_letters" in failed["help"]
    assert len(kept(project)) == 3
    assert project.position()["kafka.0"] == 3

    project.max_dead_letters = 4
    project.write()
    project.catch_up(nursery)
    assert len(kept(project)) == 4


def test_a_replay_brings_in_what_can_be_decoded_by_now_and_brings_it_in_once(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(30)
    topic.write_raw(b"who", BROKEN)
    topic.write(events)
    assert project.start("run", "--until-caught-up", nursery=nursery, patch="broken_decoder").wait() == 0
    assert len(kept(project)) == 31

    first = project.start("dead-letters", "replay", "things", nursery=nursery)
    assert first.wait() == 1  # one cannot be decoded and never will
    second = project.start("dead-letters", "replay", "things", nursery=nursery)
    assert second.wait() == 1
    topic.write(events[-5:])
    project.catch_up(nursery)

    assert project.problems(events, collection) == []
    assert [letter["value"] for letter in kept(project) if letter["replayed_at"] is None] == [BROKEN]


@pytest.mark.fault
@pytest.mark.parametrize("at", ["lake.append.before_commit", "lake.append.after_commit"])
def test_a_replay_that_dies_is_finished_by_the_next(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery, at: str
) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(30)
    topic.write(events)
    assert project.start("run", "--until-caught-up", nursery=nursery, patch="broken_decoder").wait() == 0

    dying = project.start("dead-letters", "replay", "things", nursery=nursery, environment={VARIABLE: at})
    assert dying.wait() == -signal.SIGKILL, dying.text
    project.start("dead-letters", "replay", "things", nursery=nursery).wait()
    project.catch_up(nursery)

    assert project.problems(events, collection) == []


def test_a_list_tells_places_and_reasons_and_no_content_unless_asked(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    project.create()
    topic.write_raw(b"who", BROKEN, partition=3)
    project.catch_up(nursery)

    plain = oplake("dead-letters", "list", "things", folder=project.folder)
    (told,) = oplake("dead-letters", "list", "things", "--json", folder=project.folder).stdout.splitlines()
    (whole,) = oplake(
        "dead-letters", "list", "things", "--json", "--content", folder=project.folder
    ).stdout.splitlines()

    assert f"{topic.name} partition 3 offset 0" in plain.stdout
    assert "who" not in plain.stdout + plain.stderr + told
    assert BROKEN.decode() not in plain.stdout + plain.stderr + told
    assert base64.b64decode(json.loads(whole)["value"]) == BROKEN


def test_dropped_letters_are_gone_and_free_the_budget(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    project.max_dead_letters = 1
    project.write()
    project.create()
    topic.write_raw(b"who", BROKEN)
    project.catch_up(nursery)
    topic.write_raw(b"who", BROKEN)

    assert project.start("dead-letters", "drop", "things", "--yes", nursery=nursery).wait() == 0
    project.catch_up(nursery)

    assert [letter["offset"] for letter in kept(project)] == [1]
