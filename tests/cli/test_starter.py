"""What ``oplake init`` and ``oplake schema`` write."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.spec.project import load_project
from tests.cli.command_line import oplake


def test_the_starter_teaches_both_modes_masks_and_pins(tmp_path: Path) -> None:
    assert oplake("init", "shop", folder=tmp_path).returncode == 0
    project = load_project(tmp_path / "shop")
    users, orders = project.pipelines["users"], project.pipelines["orders"]
    assert users.source.collections == ("shop.users",)
    assert orders.source.collections == ("shop.orders",)
    assert {users.table.mode, orders.table.mode} == {"current", "history"}
    assert any(rule.mask for rule in users.table.fields.values())
    assert any(rule.type for rule in orders.table.fields.values())


def test_the_starter_reads_the_mongodb_of_the_environment_or_a_local_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oplake("init", folder=tmp_path)
    uri = load_project(tmp_path).target().mongodb.uri
    monkeypatch.delenv("OPLAKE_MONGODB_URI", raising=False)
    assert uri.reveal() == "mongodb://127.0.0.1:27017/?replicaSet=rs0"
    monkeypatch.setenv("OPLAKE_MONGODB_URI", "mongodb://elsewhere")
    assert uri.reveal() == "mongodb://elsewhere"


def test_the_starter_needs_no_variable_to_be_valid(tmp_path: Path) -> None:
    oplake("init", folder=tmp_path)
    assert oplake("validate", folder=tmp_path).stdout == "ok: 2 pipelines and 1 target in specs\n"


def test_init_into_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert oplake("init", "file", folder=tmp_path).returncode == 2


def test_schema_writes_checks_and_mends(tmp_path: Path) -> None:
    assert oplake("schema", "--check", folder=tmp_path).returncode == 1
    assert list(tmp_path.iterdir()) == []
    assert oplake("schema", folder=tmp_path).returncode == 0
    assert oplake("schema", "--check", folder=tmp_path).returncode == 0
    (tmp_path / "schemas" / "target.schema.json").write_text("{}")
    done = oplake("schema", "--check", folder=tmp_path)
    assert done.returncode == 1
    assert "target.schema.json" in done.stdout
    assert "pipeline.schema.json" not in done.stdout
    assert oplake("schema", "--out", "other", folder=tmp_path).returncode == 0
    assert (tmp_path / "other" / "target.schema.json").is_file()
