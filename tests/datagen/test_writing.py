"""Generated data against a real server; the collection must equal what the stream of changes says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from bson import decode_all, encode
from bson.codec_options import CodecOptions
from click.testing import CliRunner
from pymongo.collection import Collection
from pymongo.database import Database

from engine.cli.generate import generate
from engine.datagen.changes import changes
from engine.datagen.documents import documents
from engine.datagen.generate import Recipe, change_collection, fill_collection, write_file
from engine.datagen.kind import Document
from engine.datagen.seeded import object_id
from engine.errors import SourceError, UsageError, UserError

AWARE: CodecOptions[Any] = CodecOptions(tz_aware=True)


def test_a_file_holds_the_documents_one_after_the_other(tmp_path: Path) -> None:
    out = tmp_path / "users.bson"
    size = write_file(out, Recipe("users", 5), 300)
    assert size == out.stat().st_size
    assert out.read_bytes() == b"".join(map(encode, documents("users", 300, 5)))
    assert len(decode_all(out.read_bytes())) == 300


def test_the_command_writes_a_file_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "orders.bson"
    result = CliRunner().invoke(generate, ["orders", "--count", "20", "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "20 orders to" in result.stderr
    assert len(decode_all(out.read_bytes())) == 20


@pytest.mark.parametrize("arguments", [["users"], ["users", "--changes", "5", "--out", "x.bson"]])
def test_a_command_that_makes_no_sense_is_refused(arguments: list[str]) -> None:
    result = CliRunner().invoke(generate, arguments)
    assert isinstance(result.exception, UsageError)


def test_a_bad_uri_is_refused_without_repeating_its_password() -> None:
    result = CliRunner().invoke(generate, ["users", "--count", "1", "--uri", "mongodb://u:hunter2@host:port/x?y"])
    assert isinstance(result.exception, UsageError)
    assert "hunter2" not in str(result.exception)


def test_a_server_that_is_not_there_is_named_and_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.cli.generate.CONNECT_TIMEOUT_MS", 200)
    started = time.monotonic()
    result = CliRunner().invoke(generate, ["users", "--count", "1", "--uri", "mongodb://127.0.0.1:1/"])
    assert isinstance(result.exception, SourceError)
    assert "127.0.0.1:1" in str(result.exception)
    assert time.monotonic() - started < 5


@pytest.fixture
def collection(database: Database[Any]) -> Collection[Document]:
    return database["generated"]


@pytest.mark.server
@pytest.mark.parametrize("kind", ["users", "orders"])
def test_the_collection_holds_the_generated_bytes(kind: str, collection: Collection[Document]) -> None:
    fill_collection(collection, Recipe(kind, 5, batch=300), 1000)
    wanted = list(map(encode, documents(kind, 1000, 5)))
    assert [encode(d) for d in collection.with_options(AWARE).find().sort("_id")] == wanted


@pytest.mark.server
def test_changes_leave_exactly_the_documents_they_say(collection: Collection[Document]) -> None:
    recipe = Recipe("users", 5, batch=200)
    fill_collection(collection, recipe, 100)
    assert change_collection(collection, recipe, 1000) == 1000
    living = {object_id("users", 5, index) for index in range(100)}
    replaced: dict[Any, bytes] = {}
    for change in changes("users", sorted(living), 1000, 5):
        if change.kind == "delete":
            living.remove(change.identity)
        else:
            living.add(change.identity)
        replaced.pop(change.identity, None)
        if change.kind in {"insert", "replace"}:
            replaced[change.identity] = encode({"_id": change.identity, **(change.body or {})})
    found = {document["_id"]: encode(document) for document in collection.with_options(AWARE).find()}
    assert set(found) == living
    assert {key: found[key] for key in replaced} == replaced


@pytest.mark.server
def test_a_second_run_of_changes_continues_the_first(collection: Collection[Document]) -> None:
    recipe = Recipe("orders", 5)
    assert change_collection(collection, recipe, 200) == 200
    assert change_collection(collection, recipe, 200) == 200


@pytest.mark.server
def test_filling_twice_with_one_seed_names_the_remedy(collection: Collection[Document]) -> None:
    fill_collection(collection, Recipe("users", 5), 10)
    with pytest.raises(UserError, match="already holds documents of this seed") as caught:
        fill_collection(collection, Recipe("users", 5), 10)
    assert "--seed" in caught.value.remedy


@pytest.mark.server
def test_a_rate_is_kept(collection: Collection[Document]) -> None:
    started = time.monotonic()
    change_collection(collection, Recipe("users", 5), 100, rate=200)
    assert 0.45 < time.monotonic() - started < 3
