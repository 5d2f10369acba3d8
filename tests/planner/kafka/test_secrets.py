"""Secrets of a connector: compared by digest, and in no plan, log or state."""

from __future__ import annotations

import pytest

from engine.errors import PlanRefused, UserError
from engine.planner.explain import explain
from tests.planner.brokers import Cluster
from tests.planner.kafka.worlds import CONNECTOR, PASSWORD, URI, target
from tests.planner.worlds import World


def test_planning_and_applying_leave_no_secret_behind(world: World) -> None:
    plan = world.plan()
    world.apply_file(plan.to_text())
    assert PASSWORD not in plan.to_text() + explain(plan)
    for path in (world.root / ".oplake").rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


def test_the_connector_itself_gets_the_secret(world: World, cluster: Cluster) -> None:
    world.apply()
    assert cluster.workers.live[CONNECTOR]["mongodb.connection.string"] == URI


def test_a_masked_secret_is_no_drift(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.workers.masks = True
    assert world.plan().is_empty


def test_another_secret_is_drift_that_shows_digests_only(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.workers.live[CONNECTOR]["mongodb.connection.string"] = "mongodb://thief:gotcha@elsewhere/"
    plan = world.plan()
    assert [change.title for change in plan.drifted] == [CONNECTOR]
    assert "sha256:" in explain(plan)
    assert "gotcha" not in explain(plan) + plan.to_text()


def test_a_secret_that_changed_since_the_plan_was_made_is_not_applied(world: World) -> None:
    text = world.plan().to_text()
    servers = {"bootstrap_servers": "b:9092", "connect_url": "http://c:8083"}
    world.target(URI.replace(PASSWORD, "another"), transport={"kafka": servers})
    with pytest.raises(PlanRefused, match="stale"):
        world.apply_file(text)


def test_workers_may_find_the_secret_themselves(world: World, cluster: Cluster) -> None:
    target(world, connector={"mongodb_uri_from": "file:/run/secrets/m.properties:uri"})
    world.apply()
    assert cluster.workers.live[CONNECTOR]["mongodb.connection.string"] == "${file:/run/secrets/m.properties:uri}"
    assert world.plan().is_empty
    assert not [notice for notice in world.plan().notices if notice.code == "open-password"]


def test_a_secret_of_vault_is_not_written_where_connect_shows_it(world: World) -> None:
    servers = {"bootstrap_servers": "b:9092", "connect_url": "http://c:8083"}
    vault = {"address": "http://127.0.0.1:1", "auth": {"token": "t"}}
    uri = "mongodb://${vault:database/creds/reader#username}@h/"
    world.target(uri, transport={"kafka": servers}, vault=vault)
    with pytest.raises(UserError, match="would be written into the connector"):
        world.plan()
    own = {"connector": {"mongodb_uri_from": "file:/run/secrets/m.properties:uri"}}
    world.target(uri, transport={"kafka": servers | own}, vault=vault)
    assert not world.plan().errors


def test_an_open_password_is_told(world: World) -> None:
    assert "open-password" in [notice.code for notice in world.plan().notices]


def test_what_connect_says_of_a_secret_is_not_repeated(world: World, cluster: Cluster) -> None:
    cluster.workers.refuses = {"mongodb.connection.string": [f"cannot connect to {URI}"]}
    plan = world.plan()
    assert plan.errors
    assert PASSWORD not in plan.to_text() + explain(plan)
