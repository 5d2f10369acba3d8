from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import OperatorError, ToolMissing, UsageError
from engine.stack import mongodb, s3
from engine.stack.kafka import KafkaBroker
from engine.stack.local_stack import LocalStack
from engine.stack.ports import LASTING
from engine.stack.s3 import MinioStore, SeaweedStore, local_store
from engine.stack.stack_record import PARTS, StackRecord
from engine.stack.target_text import target_text


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for module in (mongodb, s3):
        monkeypatch.setattr(module.sys, "executable", str(tmp_path / "python"))


def test_every_server_has_ports_of_its_own_and_keeps_them(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    StackRecord().with_servers(PARTS, 3).save(file)
    record = StackRecord.load(file)
    assert record.started == ["mongodb", "kafka-1", "kafka-2", "kafka-3", "connect", "s3"]
    ports = [port for several in record.ports.values() for port in several]
    assert len(set(ports)) == len(ports) == 9
    assert set(ports) <= set(LASTING)
    assert record.without(["s3"]).with_servers(PARTS, None) == record


def test_brokers_know_each_other_and_connect_knows_all(tmp_path: Path) -> None:
    record = StackRecord().with_servers(PARTS, 3)
    servers = LocalStack(tmp_path).servers(record, record.started)
    brokers = [server for server in servers.values() if isinstance(server, KafkaBroker)]
    settings = [broker._settings() for broker in brokers]
    assert [setting["node.id"] for setting in settings] == [1, 2, 3]
    assert {str(setting["controller.quorum.voters"]).count("@127.0.0.1:") for setting in settings} == {3}
    assert len({str(setting["controller.quorum.voters"]) for setting in settings}) == 1


def test_the_number_of_brokers_cannot_change_under_their_data() -> None:
    with pytest.raises(UsageError, match=r"has 1 broker"):
        StackRecord().with_servers(["kafka"], None).with_servers(["kafka"], 3)


def test_a_store_is_kept_whatever_other_comes_to_path_or_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    weed, minio, both, new = (tmp_path / name for name in ("weed", "minio", "both", "new"))
    for started in (weed / "data/1.dat", minio / "data1/x", both / "data/1.dat", both / "data1/x"):
        started.parent.mkdir(parents=True)
        started.touch()

    assert isinstance(local_store(new), SeaweedStore)
    with pytest.raises(ToolMissing, match="begun with MinIO"):
        local_store(minio).start()

    (programs / "minio").touch(mode=0o755)
    assert isinstance(local_store(new), MinioStore)
    assert isinstance(local_store(weed), SeaweedStore)
    with pytest.raises(OperatorError, match="two stores"):
        local_store(both).start()


def test_missing_programs_are_told_with_the_remedies(no_programs: None, tmp_path: Path) -> None:  # noqa: ARG001
    with pytest.raises(ToolMissing, match=r"oplake\[dev-server\]"):
        LocalStack(tmp_path / "one").up(["mongodb"])
    with pytest.raises(OperatorError) as failure:
        LocalStack(tmp_path / "two").up(["mongodb", "s3"])
    assert "oplake[dev-server]" in failure.value.remedy
    assert "oplake[dev-store]" in failure.value.remedy


@pytest.mark.usefixtures("no_programs")
def test_what_several_servers_miss_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(ToolMissing):
        LocalStack(tmp_path / "stack").up(["kafka", "connect"], brokers=3)


@pytest.mark.parametrize("text", ["", "[]", '{"ports": {}, "extra": 1}', '{"ports'])
def test_a_record_that_nobody_wrote_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "stack.json").write_text(text)
    with pytest.raises(OperatorError, match=r"record of the local stack cannot be read"):
        LocalStack(tmp_path).status()


SECRETS = Path("/stack", "connect", "secrets.properties")


def test_a_target_uses_what_there_is() -> None:
    addresses = {"mongodb": "mongodb://a", "kafka": "b:1,c:2", "s3": "http://d"}
    assert "change_stream: {}" in target_text("t", addresses, 2, ".oplake/stack", SECRETS)
    assert "bootstrap_servers: b:1,c:2" in target_text("t", {**addresses, "connect": "e"}, 2, ".oplake/stack", SECRETS)
    on_connect = target_text("t", {**addresses, "connect": "e"}, 2, ".oplake/stack", SECRETS)
    assert 'mongodb_uri_from: "file:/stack/connect/secrets.properties:mongodb_uri"' in on_connect
    assert "uri: .oplake/lake-t" in target_text("t", {"mongodb": "mongodb://a"}, 0, ".oplake/stack", SECRETS)
    with pytest.raises(UsageError, match=r"needs a MongoDB"):
        target_text("t", {"s3": "http://d"}, 0, ".oplake/stack", SECRETS)
