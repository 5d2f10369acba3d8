"""``plan``, ``apply``, ``destroy`` and ``status`` as a stranger meets them, on a real server."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pymongo.database import Database

from tests.cli.command import Command
from tests.cli.command_line import START
from tests.planner.worlds import World

pytestmark = pytest.mark.server


@pytest.fixture
def world(tmp_path: Path, mongo: str, database: Database[Any]) -> World:
    database["orders"].insert_many(
        [{"_id": n, "total": n if n % 2 else n / 4, "depth": "deep" if n == 5 else n} for n in range(1, 41)]
    )
    world = World(tmp_path / "project")
    world.target(mongo)
    world.pipeline("orders", {"source": {"collections": [f"{database.name}.orders"]}})
    return world


@pytest.fixture
def oplake(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(world.root, monkeypatch, capsys)


def test_a_pending_plan_exits_3_and_sums_up(oplake: Command) -> None:
    result = oplake("plan")
    assert result.code == 3
    assert result.out.splitlines()[-1] == "Plan: 2 to create, 0 to change, 0 to replace, 0 to delete."
    assert "columns inferred from a sample of 40 documents" in result.out
    assert re.search(r"depth +int32 +types differ: 39 int32, 1 string; 1 go to _rescued", result.out)
    assert result.err == ""


def test_apply_then_plan_then_status(oplake: Command) -> None:
    applied = oplake("apply", "--yes")
    assert applied.code == 0
    assert "[2/2] create orders/current" in applied.out
    again = oplake("plan")
    assert (again.code, again.out.splitlines()[-1]) == (0, "No changes: 2 tables as git asks. Nothing to apply.")
    status = oplake("status")
    assert status.code == 0
    assert "Source: answers" in status.out
    assert re.search(r"orders +orders/current +ok", status.out)


def test_output_that_is_piped_has_no_colours_and_no_trailing_blanks(oplake: Command) -> None:
    out = oplake("plan").out
    assert "\033" not in out
    assert not [line for line in out.splitlines() if line != line.rstrip()]


def test_a_terminal_gets_colours(world: World) -> None:
    primary, replica = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-c", START, "plan", "--project", str(world.root)]
    with subprocess.Popen(command, stdout=replica, stdin=replica, stderr=replica, env=environment) as process:
        os.close(replica)
        seen = _read_all(primary)
    assert process.returncode == 3
    assert b"\x1b[32m" in seen


def _read_all(descriptor: int) -> bytes:
    seen = b""
    while True:
        try:
            piece = os.read(descriptor, 65_536)
        except OSError:  # Linux ends a pseudo-terminal so
            piece = b""
        if not piece:
            os.close(descriptor)
            return seen
        seen += piece


def test_drift_exits_4_and_names_the_table_and_the_property(world: World, oplake: Command) -> None:
    oplake("apply", "--yes")
    table = DeltaTable(world.uri("orders/changes"))
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 1 days"})
    result = oplake("plan")
    assert result.code == 4
    assert "Drift: orders/changes was altered (delta.logRetentionDuration)." in result.out
    assert "! delta.logRetentionDuration  interval 1 days -> interval 30 days" in result.out


def test_a_dropped_table_exits_4_and_says_which(world: World, oplake: Command) -> None:
    oplake("apply", "--yes")
    shutil.rmtree(world.uri("orders/current"))
    result = oplake("plan")
    assert result.code == 4
    assert "Drift: orders/current was removed." in result.out
    assert re.search(r"orders/current +drift", oplake("status").out)


def test_apply_without_a_terminal_needs_yes(world: World, oplake: Command) -> None:
    result = oplake("apply")
    assert result.code == 2
    assert "--yes" in result.err
    assert not (world.root / "lake").exists()


def test_apply_asks_and_takes_no_for_an_answer(world: World) -> None:
    primary, replica = pty.openpty()
    command = [sys.executable, "-c", START, "apply", "--project", str(world.root)]
    with subprocess.Popen(command, stdout=replica, stdin=replica, stderr=replica) as process:
        os.close(replica)
        os.write(primary, b"n\n")
        seen = _read_all(primary)
    assert b"Apply this? [y/N]" in seen
    assert b"Nothing was changed." in seen
    assert process.returncode == 0
    assert not (world.root / "lake").exists()


def test_a_plan_file_is_applied_as_it_is_and_only_once(world: World, oplake: Command) -> None:
    file = world.root / "plan.json"
    written = oplake("plan", "--out", str(file))
    assert written.code == 3
    assert f"oplake apply {file}" in written.out
    assert oplake("apply", str(file)).code == 0
    stale = oplake("apply", str(file))
    assert stale.code == 1
    assert "error[plan-refused] the plan is stale" in stale.err
    assert "table.orders.log: exists was false, is true" in stale.err


def test_a_plan_file_that_is_not_there_is_a_usage_error(oplake: Command) -> None:
    assert oplake("apply", "nowhere.json").code == 2


def test_json_is_the_plan_file(oplake: Command) -> None:
    result = oplake("plan", "--json")
    body = json.loads(result.out)
    assert result.code == 3
    assert body["summary"] == {"create": 2, "update": 0, "replace": 0, "delete": 0, "no-op": 0}
    assert [change["title"] for change in body["changes"]] == ["orders/changes", "orders/current"]


def test_a_replace_is_refused_without_leave(world: World, oplake: Command, database: Database[Any]) -> None:
    oplake("apply", "--yes")
    body = {"source": {"collections": [f"{database.name}.orders"]}, "table": {"partition_by": []}}
    world.pipeline("orders", body)
    refused = oplake("apply", "--yes")
    assert refused.code == 1
    assert "--allow-replace" in refused.err
    allowed = oplake("apply", "--yes", "--allow-replace")
    assert allowed.code == 0
    assert "[4/4] create orders/current" in allowed.out
    assert oplake("plan").code == 0


def test_destroy_deletes_what_apply_made(world: World, oplake: Command) -> None:
    oplake("apply", "--yes")
    assert oplake("destroy").code == 2
    destroyed = oplake("destroy", "--yes")
    assert destroyed.code == 0
    assert "orders/current will be deleted" in destroyed.out
    assert not (world.root / "lake" / "orders" / "changes").exists()
    assert "nothing to delete" in oplake("destroy", "--yes").out
    assert oplake("plan").code == 3


def test_an_unreachable_source_stops_a_plan_and_not_a_status(
    world: World, oplake: Command, database: Database[Any]
) -> None:
    oplake("apply", "--yes")
    world.target("mongodb://127.0.0.1:9/?replicaSet=none&serverSelectionTimeoutMS=500")
    stopped = oplake("plan")
    assert stopped.code == 1
    assert "MongoDB does not answer" in stopped.err
    status = oplake("status", "--json")
    assert status.code == 0
    body = json.loads(status.out)
    assert "does not answer" in body["source"]
    assert [table["exists"] for table in body["tables"]] == [True, True]
    assert database.name


def test_a_collection_that_is_missing_is_a_warning(world: World, oplake: Command, database: Database[Any]) -> None:
    world.pipeline("orders", {"source": {"collections": [f"{database.name}.later"]}})
    result = oplake("plan")
    assert result.code == 3
    assert f"warning[no-collection]: the collection {database.name}.later is not there yet" in result.out
    assert "no columns yet: the first documents decide them" in result.out
    assert oplake("apply", "--yes").code == 0
    assert oplake("plan").code == 0


def test_wildcards_match_collections(world: World, oplake: Command, database: Database[Any]) -> None:
    database["orders_2024"].insert_one({"a": 1})
    world.pipeline("orders", {"source": {"collections": [f"{database.name}.orders*"]}})
    result = oplake("plan")
    assert result.out.splitlines()[-1].startswith("Plan: 4 to create")


def test_a_bad_spec_is_told_before_anything_else(world: World, oplake: Command) -> None:
    world.pipeline("orders", {"sauce": 1})
    result = oplake("plan")
    assert result.code == 1
    assert "error[unknown-key]" in result.err


def test_a_password_is_in_no_output_and_no_file(world: World, oplake: Command, mongo: str) -> None:
    secret = "correct-horse-battery"  # noqa: S105 - a secret for the test to look for
    world.target(f"{mongo}&appName={secret}")
    file = world.root / "plan.json"
    said = [oplake("plan", "--out", str(file)), oplake("plan", "--json"), oplake("apply", "--yes"), oplake("status")]
    assert not [result for result in said if secret in result.out + result.err]
    assert said[2].code == 0
    for path in [file, *(world.root / ".oplake").rglob("*"), *(world.root / "lake").rglob("*")]:
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
