"""A store is asked whether it keeps commits apart: a real one that does, and small ones that do not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from engine.errors import LakeError
from engine.lake import store_probe
from engine.lake.store_probe import FOLDER, require_conditional_put
from engine.planner.status import SOUND, report
from engine.runtime.running import Run, run_tables
from engine.runtime.stopping import StopRequest
from engine.runtime.supervisor import Watcher
from engine.stack.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Store
from engine.telemetry.counters import TableCounters
from tests.lake.fake_store import Answer, fake
from tests.planner.worlds import World


@pytest.fixture(autouse=True)
def nothing_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake store may get the port of one before it."""
    monkeypatch.setattr(store_probe, "_proven", set())


def sound(path: str, objects: set[str], _: int) -> int:
    return 412 if path in objects else 200


def ignoring(*_: object) -> int:
    return 200


def late(_: str, __: set[str], before: int) -> int:
    """Keeps the racers apart, then forgets the object: as a store that caches what it knows would."""
    return 412 if 0 < before < 8 else 200


@pytest.mark.server
def test_a_store_that_keeps_commits_apart_is_taken_and_left_clean(s3: S3Store) -> None:
    require_conditional_put(f"s3://{BUCKET}/a b/ü", s3.storage_options())
    files = s3.filesystem().get_file_info([f"{BUCKET}/a b/ü/{FOLDER}"])
    assert [file.base_name for file in files if file.is_file] == []


@pytest.mark.server
def test_wrong_keys_are_told_from_a_store_that_loses_commits(s3: S3Store) -> None:
    with pytest.raises(LakeError, match=r"refuses to let us write"):
        require_conditional_put(f"s3://{BUCKET}/x", s3.storage_options() | {"aws_secret_access_key": "wrong"})


@pytest.mark.parametrize(("answer", "created"), [(ignoring, 9), (late, 2)])
def test_a_store_that_ignores_the_condition_is_refused(answer: Answer, created: int) -> None:
    with fake(answer) as store, pytest.raises(LakeError, match=rf"{created} of 9 puts created the same") as refused:
        require_conditional_put("s3://bucket/lake", store.options)
    assert "412" in refused.value.remedy
    assert store.objects == set()


def test_a_store_that_does_not_know_the_condition_is_refused() -> None:
    with fake(lambda *_: 501) as store, pytest.raises(LakeError, match=r"does not enforce .* \(it answers 501\)"):
        require_conditional_put("s3://bucket/lake", store.options)


def test_a_missing_bucket_is_told_from_a_store_that_loses_commits() -> None:
    with fake(lambda *_: 404) as store, pytest.raises(LakeError, match=r"no such bucket"):
        require_conditional_put("s3://bucket/lake", store.options)


def test_a_busy_store_is_asked_again_and_a_proven_one_is_not() -> None:
    with fake(lambda path, objects, before: 503 if before < 3 else sound(path, objects, before)) as store:
        for _ in range(2):
            require_conditional_put("s3://bucket/lake", store.options)
    assert store.puts == 18


def test_a_store_that_stays_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_probe, "DEADLINE_S", 0.0)
    with fake(lambda *_: 503) as store, pytest.raises(LakeError, match=r"cannot be asked .* \(it answers 503\)"):
        require_conditional_put("s3://bucket/lake", store.options)
    gone = store.options | {"aws_endpoint": "http://127.0.0.1:1"}
    with pytest.raises(LakeError, match=r"cannot be asked .*refused"):
        require_conditional_put("s3://bucket/lake", gone)


def test_without_keys_the_remedy_is_told_and_no_secret_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    with pytest.raises(LakeError, match=r"AWS_SECRET_ACCESS_KEY"):
        require_conditional_put("s3://bucket/lake", {"aws_endpoint": "http://127.0.0.1:1", "aws_access_key_id": "a"})
    assert "secret" not in repr(store_probe.Credentials("key", "secret", "secret"))


@pytest.mark.parametrize("endpoint", [None, "https://s3.eu-west-1.amazonaws.com"])
def test_a_local_folder_and_amazon_itself_are_not_asked(tmp_path: Path, endpoint: str | None) -> None:
    require_conditional_put(str(tmp_path), {"aws_endpoint": "http://127.0.0.1:1"})
    require_conditional_put("s3://bucket/lake", {"aws_endpoint": endpoint} if endpoint else {})


def test_apply_refuses_a_store_that_loses_commits_before_it_makes_anything(tmp_path: Path) -> None:
    world = World(tmp_path)
    with fake(ignoring) as store:
        storage = {"endpoint": store.options["aws_endpoint"], "access_key": "k", "secret_key": "s", "allow_http": True}
        world.target(lake={"uri": "s3://bucket/lake", "storage": storage})
        world.spec()
        with pytest.raises(LakeError, match=r"does not enforce conditional put"):
            world.apply()
    assert store.objects == set()


def show_nothing(_: Sequence[TableCounters]) -> AbstractContextManager[Watcher]:
    raise AssertionError("no table was to be opened")


def test_run_refuses_a_store_that_loses_commits_before_it_opens_a_table(tmp_path: Path) -> None:
    world = World(tmp_path)
    with fake(ignoring) as store:
        storage = {"endpoint": store.options["aws_endpoint"], "access_key": "k", "secret_key": "s", "allow_http": True}
        world.target(lake={"uri": "s3://bucket/lake", "storage": storage})
        world.spec()
        with pytest.raises(LakeError, match=r"does not enforce conditional put"):
            run_tables(Run(world.root), StopRequest(), show_nothing)
    assert store.gets == 0


@pytest.mark.server
def test_status_tells_whether_the_store_keeps_commits_apart(tmp_path: Path, s3: S3Store) -> None:
    assert told_by_status(tmp_path / "sound", f"s3://{BUCKET}/{tmp_path.name}", s3.endpoint) == SOUND
    with fake(ignoring) as store:
        told = told_by_status(tmp_path / "unsound", "s3://bucket/lake", store.options["aws_endpoint"])
    assert "does not enforce conditional put" in told


def told_by_status(folder: Path, lake: str, endpoint: str) -> str:
    world = World(folder)
    storage = {"endpoint": endpoint, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "allow_http": True}
    world.target(lake={"uri": lake, "storage": storage})
    world.spec()
    with world.workspace(create=False) as workspace:
        return report(workspace, nullcontext(world.source)).store
