"""A cluster that speaks TLS and asks for a password: what reaches it, what does not, and what is told (INV-9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest

from engine.errors import OplakeError, SourceError, SourceUnreachable, TransportError
from engine.lake.dead_letters import DeadLetters
from engine.resources.kafka_admin import KafkaAdmin
from engine.resources.kafka_client import client_config
from engine.source.kafka_group import Membership
from engine.source.kafka_topic import TopicView
from engine.spec.project import load_project
from engine.stack.ports import free_port
from tests.kafka.broker import PASSWORD, TestBroker
from tests.kafka.project import KafkaProject
from tests.kafka.topic import Collection, KafkaTopic
from tests.private_ca import PrivateCa

pytestmark = [pytest.mark.server, pytest.mark.kafka]

Settings: TypeAlias = Mapping[str, str]
WRONG = "correct-horse-battery"


@pytest.fixture
def guarded(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    kafka: TestBroker,
    certificate: Path,
    project: KafkaProject,
) -> KafkaProject:
    """The project on the guarded listener, its password in a file elsewhere."""
    file = tmp_path_factory.mktemp("secrets") / "password"
    file.write_text(PASSWORD)
    client = kafka.guarded_client(certificate, f"${{file:{file}}}")
    made = KafkaProject(tmp_path, kafka.guarded_address, project.target, client=client)
    made.write()
    return made


def test_workers_read_and_keep_letters_and_the_password_is_nowhere(guarded: KafkaProject, topic: KafkaTopic) -> None:
    guarded.create()
    collection = Collection()
    events = collection.changes(60)
    topic.write(events)
    topic.write_raw(b"who", b"no envelope", partition=1)

    running = guarded.start("run", "--workers", "1", "--until-caught-up")
    assert running.wait_for("batch appended"), running.text
    family = [psutil.Process(running.process.pid), *psutil.Process(running.process.pid).children(recursive=True)]
    lines = [word for process in family for word in process.cmdline()]
    assert running.wait() == 0, running.text

    assert guarded.problems(events, collection) == []
    assert DeadLetters(guarded.dead_letters_uri).read()["value"].to_pylist() == [b"no envelope"]
    assert PASSWORD not in "".join([running.text, *lines])
    files = [path for path in guarded.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]


def test_a_plan_sees_the_topics(guarded: KafkaProject, topic: KafkaTopic) -> None:
    kafka = load_project(guarded.folder).target(guarded.target).transport.kafka
    assert kafka is not None
    assert KafkaAdmin(client_config(kafka)).topics([topic.name])[topic.name].partitions == topic.partitions


def ask_view(settings: Settings) -> None:
    TopicView("things", settings).describe()


def ask_admin(settings: Settings) -> None:
    KafkaAdmin(settings).brokers()


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for those who will not answer."""
    for module in ("engine.source.kafka_topic", "engine.resources.kafka_admin"):
        monkeypatch.setattr(f"{module}.TIMEOUT_S", 2.0)


def test_a_run_that_does_not_trust_the_brokers_ends_and_says_what_to_set(
    guarded: KafkaProject, kafka: TestBroker, tmp_path: Path, topic: KafkaTopic
) -> None:
    guarded.create()
    topic.write(Collection().changes(1))
    guarded.client = kafka.guarded_client(PrivateCa(tmp_path / "another.pem").file)
    guarded.write()

    running = guarded.start("run", "--until-caught-up")

    assert running.wait() == 1, running.text
    assert "the broker's certificate is not trusted" in running.text
    assert "ssl.ca.location" in running.text
    assert "table reopens" not in running.text


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(("ask", "error"), [(ask_view, SourceError), (ask_admin, TransportError)])
def test_who_does_not_trust_the_brokers_is_told_what_to_set(
    kafka: TestBroker, certificate: Path, ask: Callable[[Settings], None], error: type[OplakeError]
) -> None:
    client = {**kafka.guarded_client(certificate), "ssl.ca.location": ""}
    with pytest.raises(error) as caught:
        ask({**client, "bootstrap.servers": kafka.guarded_address})
    assert "certificate verify failed" in caught.value.what
    assert "ssl.ca.location" in caught.value.remedy


@pytest.mark.usefixtures("brief")
def test_while_another_broker_is_down_one_that_is_not_trusted_ends_nothing(
    kafka: TestBroker, certificate: Path
) -> None:
    brokers = f"{kafka.guarded_address},127.0.0.1:{free_port()}"
    with pytest.raises(SourceUnreachable):
        ask_view({**kafka.guarded_client(certificate), "ssl.ca.location": "", "bootstrap.servers": brokers})


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(("ask", "error"), [(ask_view, SourceUnreachable), (ask_admin, TransportError)])
def test_who_is_not_let_in_is_told_why(
    kafka: TestBroker, certificate: Path, ask: Callable[[Settings], None], error: type[OplakeError]
) -> None:
    right = {**kafka.guarded_client(certificate), "bootstrap.servers": kafka.guarded_address}
    ask_admin(right)
    for wrong, told in (
        ({"sasl.password": WRONG}, "SASL authentication error: Authentication failed"),
        ({"bootstrap.servers": kafka.bootstrap_servers}, "PLAINTEXT broker listener|connection closed by peer"),
        ({"bootstrap.servers": f"127.0.0.1:{free_port()}"}, "Connection refused"),
        ({"bootstrap.servers": "nobody.invalid:9092"}, "Failed to resolve"),
    ):
        with pytest.raises(error) as caught:
            ask({**right, **wrong})
        assert re.search(told, caught.value.what), caught.value.what
        assert "transport.kafka.client" in caught.value.remedy
        assert WRONG not in str(caught.value)


@pytest.mark.parametrize("make", [lambda s: TopicView("t", s), lambda s: Membership("t", "g", s), ask_admin])
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"ssl.nonsense": WRONG}, 'No such configuration property: "ssl.nonsense"'),
        ({"security.protocol": "ssl", "ssl.ca.pem": WRONG}, "ssl.ca.pem"),
        ({"socket.timeout.ms": WRONG}, "socket.timeout.ms"),
        ({"broker.address.family": WRONG}, 'Invalid value "***"'),
    ],
)
def test_settings_that_make_no_client_are_named_without_their_values(
    make: Callable[[Settings], object], wrong: Settings, told: str
) -> None:
    with pytest.raises((SourceError, TransportError)) as caught:
        make({"bootstrap.servers": "127.0.0.1:1", **wrong})
    assert told in caught.value.what
    assert caught.value.where == "transport.kafka.client"
    assert WRONG not in str(caught.value)
