"""A project: all files together, and what the commands ask of it."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from engine.errors import OplakeError, UsageError, UserError
from engine.spec.diagnostics import SpecError
from engine.spec.project import load_project
from engine.spec.resolution import check_resolvable
from engine.spec.types import ListOf, MapOf, Scalar
from tests.spec.projects import PIPELINE, TARGET, headings, load, of_pipeline, of_target, problems, write

PRODUCTION = TARGET.replace("local", "production")


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    project = load(tmp_path, {"pipelines/users.yaml": PIPELINE})
    pipeline, target = project.pipelines["users"], project.targets["local"]
    assert (pipeline.target, pipeline.source.capture, pipeline.source.snapshot) == (None, "update_full", "initial")
    assert (pipeline.table.mode, pipeline.table.on_conflict) == ("current", "rescue")
    assert pipeline.table.partition_by == ("_ingestion_date",)
    assert pipeline.table.fold.every == timedelta(seconds=60)
    assert pipeline.table.maintenance.vacuum.retain == timedelta(days=7)
    assert (pipeline.batch.max_rows, pipeline.batch.max_bytes) == (50_000, 64 << 20)
    assert pipeline.batch.max_age == timedelta(seconds=2)
    assert target.transport.change_stream is not None
    assert target.transport.kafka is None
    assert project.root == tmp_path.resolve()


def test_rules_for_fields_are_read(tmp_path: Path) -> None:
    text = PIPELINE + (
        "table:\n  fields:\n    a: {type: int64}\n    b.c: {type: list<map<decimal128>>}\n"
        "    d: {as: map}\n    e: {as: map, type: double}\n    f: {mask: drop}\n"
    )
    fields = load(tmp_path, {"pipelines/p.yaml": text}).pipelines["users"].table.fields
    assert fields["a"].type is Scalar.INT64
    assert fields["b.c"].type == ListOf(MapOf(Scalar.DECIMAL))
    assert fields["d"].as_map
    assert fields["e"].type is Scalar.DOUBLE
    assert (fields["f"].mask, fields["f"].type, fields["f"].as_map) == ("drop", None, False)


def test_specs_cannot_be_changed(tmp_path: Path) -> None:
    pipeline = load(tmp_path, {"pipelines/users.yaml": PIPELINE}).pipelines["users"]
    with pytest.raises(ValueError, match="frozen"):
        pipeline.table.mode = "history"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("collections", "name", "namespace", "table"),
    [
        ("[shop.users]", None, "shop.users", "p"),
        ("[shop.*]", None, "shop.users", "p_users"),
        ("[shop.users, shop.orders]", None, "shop.orders", "p_orders"),
        ("[shop.*]", "{database}_{collection}", "shop.Web-Users.v2", "shop_web_users_v2"),
        ("[shop.users]", "people", "shop.users", "people"),
    ],
)
def test_tables_are_named_after_pipelines_and_collections(
    collections: str, name: str | None, namespace: str, table: str, tmp_path: Path
) -> None:
    text = f"pipeline: p\nsource: {{collections: {collections}}}\n" + (f'table: {{name: "{name}"}}\n' if name else "")
    assert load(tmp_path, {"pipelines/p.yaml": text}).pipelines["p"].table_name(namespace) == table


def test_the_target_is_the_one_named_or_the_only_one_or_local(tmp_path: Path) -> None:
    files = {
        "pipelines/a.yaml": PIPELINE,
        "pipelines/b.yaml": "pipeline: b\ntarget: production\nsource: {collections: [b.b]}",
    }
    project = load(tmp_path, files | {"targets/production.yaml": PRODUCTION})
    users, other = project.pipelines["users"], project.pipelines["b"]
    assert project.target_for(users, None).target == "local"
    assert project.target_for(other, None).target == "production"
    assert project.target_for(other, "local").target == "local"


def test_the_only_target_needs_no_name(tmp_path: Path) -> None:
    project = load(tmp_path, {"targets/local.yaml": None, "targets/p.yaml": PRODUCTION, "pipelines/u.yaml": PIPELINE})
    assert project.target().target == "production"


def test_an_unknown_target_suggests_the_known_one(tmp_path: Path) -> None:
    project = load(tmp_path, {"targets/p.yaml": PRODUCTION})
    with pytest.raises(UsageError, match="did you mean `production`"):
        project.target("prodction")


def test_several_targets_without_local_ask_for_a_choice(tmp_path: Path) -> None:
    files = {
        "targets/local.yaml": None,
        "targets/a.yaml": PRODUCTION,
        "targets/b.yaml": TARGET.replace("local", "test"),
    }
    project = load(tmp_path, files)
    assert project.default_target() is None
    with pytest.raises(UsageError, match="--target: production, test"):
        project.target()


def test_paths_are_relative_to_the_project_whatever_the_working_folder(tmp_path: Path) -> None:
    text = TARGET + "state: sqlite:///.oplake/state.db\n"
    target = load(tmp_path, {"targets/local.yaml": text}).target()
    assert target.lake.location(tmp_path) == str(tmp_path.resolve() / ".oplake/lake")
    assert target.lake.storage_options() == {}
    assert target.state_url(tmp_path) == f"sqlite:///{tmp_path.resolve()}/.oplake/state.db"


@pytest.mark.parametrize("url", ["sqlite:////var/state.db", "sqlite://", "sqlite:///:memory:", "postgresql://u:p@h/db"])
def test_other_state_urls_stay_as_they_are(url: str, tmp_path: Path) -> None:
    assert load(tmp_path, {"targets/local.yaml": f"{TARGET}state: '{url}'\n"}).target().state_url(tmp_path) == url


def test_a_store_gets_its_options_with_the_references_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPLAKE_T_BUCKET", "lake")
    (tmp_path / "key").write_text("sesame\n")
    text = (
        'target: local\nmongodb: {uri: "mongodb://h"}\nlake:\n  uri: s3://${env:OPLAKE_T_BUCKET}/tables/\n'
        "  storage:\n    endpoint: ${env:OPLAKE_T_S3:-http://127.0.0.1:9000}\n    allow_http: true\n"
        "    access_key: me\n    secret_key: ${file:key}\n"
    )
    lake = load(tmp_path, {"targets/local.yaml": text}).target().lake
    assert lake.location(tmp_path) == "s3://lake/tables"
    options = lake.storage_options()
    assert options["aws_endpoint"] == "http://127.0.0.1:9000"
    assert (options["aws_access_key_id"], options["aws_secret_access_key"]) == ("me", "sesame")
    assert (options["aws_allow_http"], options["aws_virtual_hosted_style_request"]) == ("true", "false")
    assert all(isinstance(value, str) for value in options.values())


def test_an_authority_for_a_store_without_tls_is_told(tmp_path: Path) -> None:
    storage = "{endpoint: 'http://h:9000', allow_http: true, ca: /etc/ca.pem}"
    text = f"target: local\nmongodb: {{uri: 'mongodb://h'}}\nlake: {{uri: s3://b/l, storage: {storage}}}\n"
    (found,) = problems(tmp_path, {"targets/local.yaml": text})
    assert (found.rule, "`ca` is for an endpoint with TLS" in found.message) == ("useless-key", True)


def test_a_lake_that_resolves_to_nonsense_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPLAKE_T", "gs://bucket")
    target = load(tmp_path, {"targets/local.yaml": TARGET.replace(".oplake/lake", "'${env:OPLAKE_T}'")}).target()
    with pytest.raises(UserError, match=r"local\.yaml:3:13: the lake's `uri` is neither a folder nor s3://") as caught:
        target.lake.location(tmp_path)
    assert caught.value.remedy


def test_a_secret_names_the_place_of_its_unset_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPLAKE_T", raising=False)
    text = TARGET.replace("mongodb://127.0.0.1:27017/", "mongodb://u:${env:OPLAKE_T}@h/")
    target = load(tmp_path, {"targets/local.yaml": text}).target()
    with pytest.raises(OplakeError, match=r"local\.yaml:2:16: the environment variable OPLAKE_T is not set"):
        target.mongodb.uri.reveal()


def test_only_the_references_of_the_target_in_use_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPLAKE_T", raising=False)
    production = 'target: production\nmongodb: {uri: "${env:OPLAKE_T}"}\nlake: {uri: a}\n'
    project = load(tmp_path, {"targets/production.yaml": production})
    check_resolvable(project, project.target("local"))
    with pytest.raises(SpecError) as caught:
        check_resolvable(project, project.target("production"))
    assert [found.rule for found in caught.value.diagnostics] == ["undefined-reference"]


def test_all_problems_of_all_files_are_told_in_order(tmp_path: Path) -> None:
    files = {
        "pipelines/a.yaml": "pipeline: a\nsource: {collections: [shop]}\ntable: {mode: histroy}\n",
        "pipelines/b.yaml": "pipeline: b\n\tx",
        "pipelines/c.yaml": "pipeline: a\nsource: {collections: [c.c]}\n",
        "targets/local.yaml": TARGET + "stat: x\n",
        "users.yaml": PIPELINE,
    }
    assert [line.partition("]")[0] for line in headings(tmp_path, files)] == [
        "pipelines/a.yaml:2:24: error[bad-glob",
        "pipelines/a.yaml:3:15: error[unknown-value",
        "pipelines/b.yaml:2:1: error[yaml-syntax",
        "pipelines/c.yaml:1:11: error[duplicate-pipeline",
        "targets/local.yaml:4:1: error[unknown-key",
        "users.yaml:1:1: error[misplaced-file",
    ]


def test_a_broken_target_does_not_make_pipelines_look_wrong(tmp_path: Path) -> None:
    files = {"targets/local.yaml": "target: [", "pipelines/u.yaml": PIPELINE + "target: local\n"}
    assert [found.rule for found in problems(tmp_path, files)] == ["yaml-syntax"]


def test_a_target_with_a_wrong_key_still_counts_as_a_target(tmp_path: Path) -> None:
    files = {"targets/local.yaml": TARGET + "x: 1\n", "pipelines/u.yaml": PIPELINE + "target: local\n"}
    assert [found.rule for found in problems(tmp_path, files)] == ["unknown-key"]


def test_a_misspelt_key_is_not_missing_as_well(tmp_path: Path) -> None:
    [found] = of_pipeline(tmp_path, "pipeline: p\nsource: {collection: [a.b]}\n")
    assert found == "2:10: error[unknown-key] unknown key `collection` in `source`"


def test_checks_across_keys_look_at_what_is_right(tmp_path: Path) -> None:
    found = of_pipeline(
        tmp_path,
        "pipeline: p\nsource: {collections: [a.b], snapshot: nevr}\n"
        "table: {partition_by: [x], fields: {_id: {type: string}}}\n",
    )
    assert [line.split("[")[1].split("]")[0] for line in found] == [
        "unknown-value",
        "undeclared-partition",
        "reserved-field",
    ]


@pytest.mark.parametrize("name", [".hidden.yaml", ".#lock.yaml", "notes.txt", "users.yaml~", ".git/x.yaml"])
def test_files_that_are_no_specs_are_left_alone(name: str, tmp_path: Path) -> None:
    load(tmp_path, {"pipelines/u.yaml": PIPELINE, f"pipelines/{name}": "not: [yaml"})


def test_folders_below_are_read_too_and_so_is_yml(tmp_path: Path) -> None:
    project = load(tmp_path, {"pipelines/shop/eu/u.yml": PIPELINE})
    assert list(project.pipelines) == ["users"]


def test_a_project_without_specs_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="oplake init"):
        load_project(tmp_path)
    with pytest.raises(UsageError, match="--project"):
        load_project(tmp_path / "missing")


def test_a_link_to_nowhere_is_no_spec(tmp_path: Path) -> None:
    write(tmp_path, {"pipelines/u.yaml": PIPELINE})
    (tmp_path / "specs/pipelines/gone.yaml").symlink_to(tmp_path / "nowhere")
    assert list(load_project(tmp_path).pipelines) == ["users"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"pipelines/u.yaml": PIPELINE})
    (tmp_path / "specs/pipelines/u.yaml").chmod(0)
    assert "error[unreadable-file]" in headings(tmp_path, {})[0]


@pytest.mark.parametrize(
    ("lake", "problem"),
    [
        ("s3a://b/p", "`uri` has the scheme s3a://"),  # DuckDB would not use the lake's keys for it
        ("gs://b/p", "`uri` is neither a folder nor s3://bucket/prefix"),
        ("s3:///p", "`uri` names no bucket"),
        ("file:///lake", "`uri` has the scheme file://"),
    ],
)
def test_a_lake_is_a_folder_or_a_bucket(lake: str, problem: str, tmp_path: Path) -> None:
    text = TARGET.replace(".oplake/lake", lake)
    assert of_target(tmp_path, text) == [f"3:13: error[invalid-value] {problem}"]
