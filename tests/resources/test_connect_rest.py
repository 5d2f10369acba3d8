"""How Kafka Connect is spoken to when it is busy, away, or angry; ``tests/transport`` asks a real one."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from engine.errors import TransportError
from engine.resources.connect_rest import ConnectRest
from engine.resources.connector_states import read_state
from engine.stack.ports import free_port
from tests.private_ca import PrivateCa
from tests.resources.connect_answers import answering

REBALANCE = (409, {"error_code": 409, "message": "Cannot complete request momentarily due to stale configuration"})
REBALANCE_AS_FAILURE = (
    500,
    {"error_code": 500, "message": "Request cannot be completed because a rebalance is expected"},
)
SECRET = "correct-horse-battery-staple"  # noqa: S105 - a secret for the test to look for


def test_a_rebalance_is_waited_for() -> None:
    with answering(REBALANCE, REBALANCE, (200, {})) as (rest, asked):
        rest.put("a b", {"k": "v"})
    assert asked == ["PUT /connectors/a%20b/config"] * 3


def test_a_rebalance_that_connect_calls_a_failure_of_its_own_is_waited_for() -> None:
    with answering(REBALANCE_AS_FAILURE, (200, {"k": "v"})) as (rest, asked):
        assert rest.config("x") == {"k": "v"}
    assert asked == ["GET /connectors/x/config"] * 2


def test_a_conflict_that_does_not_pass_is_not_waited_for() -> None:
    with answering((409, {"message": "Connector x already exists"})) as (rest, _), pytest.raises(TransportError):
        rest.create_stopped("x", {})


def test_what_is_missing_is_none_and_may_be_deleted() -> None:
    with answering((404, {}), (404, {})) as (rest, _):
        assert rest.config("x") is None
        rest.delete("x")


def test_a_connector_whose_state_is_not_known_yet_is_there_all_the_same() -> None:
    known = {"a": {"info": {"config": {"k": "1"}}, "status": {"connector": {"state": "RUNNING"}}}}
    answers = ((200, known), (200, ["a", "b", "gone"]), (200, {"k": "2"}), (404, {}), (404, {}))
    with answering(*answers) as (rest, _), pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.resources.connect_rest._MAX_CONNECTIONS", 1)  # so that the answers come in order
        found = rest.connectors()
    assert {name: one["info"]["config"] for name, one in found.items()} == {"a": {"k": "1"}, "b": {"k": "2"}}
    assert read_state(found["b"]["status"]).state == "UNKNOWN"


def test_a_refusal_repeats_nothing_of_a_configuration() -> None:
    told = {"message": f"Invalid value mongodb://u:{SECRET}@h for configuration"}
    with answering((400, told)) as (rest, _), pytest.raises(TransportError) as caught:
        rest.put("x", {"mongodb.connection.string": SECRET})
    assert SECRET not in str(caught.value)
    assert "400" in caught.value.what


def test_a_refusal_without_a_configuration_says_why() -> None:
    refusal = (400, {"message": "Connectors must be in the STOPPED state"})
    with answering(refusal) as (rest, _), pytest.raises(TransportError, match="STOPPED state"):
        rest.delete_offsets("x")


def test_settings_that_are_refused_come_with_what_is_wrong() -> None:
    configs = [
        {"value": None},
        {"value": {"name": "a", "errors": []}},
        {"value": {"name": "b", "errors": ["Must be larger"]}},
    ]
    with answering((200, {"configs": configs})) as (rest, asked):
        assert rest.validate("org.x.Connector", {"b": "1"}) == {"b": ["Must be larger"]}
    assert asked == ["PUT /connector-plugins/Connector/config/validate"]


def test_an_error_shows_no_password_of_the_address() -> None:
    with pytest.raises(TransportError) as caught:
        ConnectRest(f"http://me:{SECRET}@127.0.0.1:{free_port()}").connectors()
    assert SECRET not in str(caught.value) + caught.value.where
    assert "//***@127.0.0.1" in caught.value.where


def test_a_connect_that_is_not_there_is_an_error_with_the_remedy() -> None:
    with pytest.raises(TransportError, match="does not answer") as caught:
        ConnectRest(f"http://127.0.0.1:{free_port()}").connectors()
    assert "Connection refused" in caught.value.what
    assert "connect_url" in caught.value.where


def test_a_connect_with_tls_is_trusted_when_its_authority_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca, stranger = PrivateCa(tmp_path / "ca.pem"), PrivateCa(tmp_path / "other.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*ca.issue(tmp_path))
    for file, trusted in ((ca.file, True), (stranger.file, False)):
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        with answering((200, {"k": "v"}), tls=tls) as (rest, _):
            if trusted:
                assert rest.config("x") == {"k": "v"}
                continue
            with pytest.raises(TransportError, match="certificate verify failed"):
                rest.config("x")


@pytest.mark.skipif(
    shutil.which("openssl") is None, reason="needs openssl, which names the files of the system's folder"
)
def test_the_systems_authorities_are_trusted_beside_the_file_of_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, of_store = PrivateCa(tmp_path / "ca.pem"), PrivateCa(tmp_path / "store.pem")
    command = ["openssl", "x509", "-hash", "-noout", "-in", ca.file]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    folder = tmp_path / "certs"
    folder.mkdir()
    shutil.copy(ca.file, folder / f"{name}.0")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*ca.issue(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(of_store.file))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    with answering((200, {"k": "v"}), tls=tls) as (rest, _):
        assert rest.config("x") == {"k": "v"}


def test_something_else_at_the_address_is_told() -> None:
    page = "<html>hello</html>"
    with answering((200, page)) as (rest, _), pytest.raises(TransportError, match="no Kafka Connect") as caught:
        rest.connectors()
    assert "connect_url" in caught.value.where


@pytest.mark.parametrize(
    ("trace", "told"),
    [
        ("org.x.Boom: no\n\tat a.B\nCaused by: y.Z: deep\n\t... 3 more", "org.x.Boom: no; caused by y.Z: deep"),
        (f"x: mongodb://user:{SECRET}@host/ is bad\n\tat a", "x: mongodb://***@host/ is bad"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_a_stack_trace_is_told_by_its_first_line_and_its_cause(trace: str, told: str) -> None:
    status = {"connector": {"state": "RUNNING"}, "tasks": [{"state": "FAILED", "trace": trace}]}
    assert read_state(status).trace == told
