"""However many connectors there are, a plan asks Connect for them in a few requests."""

from __future__ import annotations

from engine.resources.connect_rest import ConnectRest
from engine.resources.connector import ConnectorKind
from engine.resources.resource import Desired, Sides
from engine.spec.target import Target
from tests.resources.recorded_connect import LISTING, RecordedConnect, recorded_connect

NAMES = [f"local.p{number}" for number in range(1000)]


def kind_of(connect: RecordedConnect) -> ConnectorKind:
    kafka = {"bootstrap_servers": "127.0.0.1:1", "connect_url": connect.url}
    body = {"target": "local", "mongodb": {"uri": "mongodb://h/"}, "lake": {"uri": "lake"}}
    target = Target.model_validate(body | {"transport": {"kafka": kafka}})
    assert target.transport.kafka is not None
    return ConnectorKind(target, target.transport.kafka, ConnectRest(connect.url))


def sides(name: str) -> Sides:
    return Sides(Desired(f"connector.{name}", "connector", name, "p", {"name": name, "state": "running"}), None)


def test_a_thousand_connectors_are_looked_at_in_two_requests() -> None:
    with recorded_connect(NAMES) as connect:
        found = kind_of(connect).observe_all({name: sides(name) for name in [*NAMES, "local.none"]})
    assert connect.asked == [LISTING, "GET /connectors"]
    assert [name for name, one in found.items() if not one.exists] == ["local.none"]
    assert {
        (one.attributes["state"], one.attributes["config.topic.prefix"] == name)
        for name, one in found.items()
        if one.exists
    } == {("stopped", True)}


def test_connectors_of_which_connect_tells_no_state_yet_are_asked_for_a_few_at_a_time() -> None:
    unknown = NAMES[::25]
    with recorded_connect(NAMES, unknown) as connect:
        found = kind_of(connect).observe_all({name: sides(name) for name in NAMES})
    assert all(one.exists for one in found.values())
    assert {found[name].attributes["state"] for name in unknown} == {"running"}, "not known is no difference"
    assert len(connect.asked) == 2 + 2 * len(unknown)
    assert 1 < connect.most_at_once <= 8
