"""`oplake reconcile` against a real server: what is equal, what is not, and what nobody can know yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from deltalake import DeltaTable, write_deltalake
from pymongo.database import Database

from engine.errors import UserError
from engine.lake.table_types import table_schema
from engine.reconcile.counts import EQUAL
from engine.reconcile.documents import Documents
from engine.reconcile.recheck import Patience, Recheck
from engine.reconcile.reconciliation import reconcile
from engine.reconcile.sample import sample_size
from engine.reconcile.source_scan import ChunkLimits
from engine.reconcile.verdict import Verdict
from engine.state.reconciliations import Reconciliations
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.workload import Writer
from tests.reconcile.comparing import Silent, compare, comparing, told
from tests.reconcile.passes import as_if

pytestmark = pytest.mark.server

Row = dict[str, Any]
MIXED_IDS: list[Any] = [
    MinKey(),
    None,
    7,
    Int64(2**40),
    2.5,
    -0.0,
    float("nan"),
    Decimal128("3.25"),
    "text",
    "null",
    "",
    {"a": 1},
    {},
    b"bytes",
    ObjectId(),
    False,
    Timestamp(5, 6),
    Regex("^a"),
    MaxKey(),
]


@pytest.fixture
def project(tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery) -> Project:
    """A table that equals its collection, whose ids have every type."""
    things = database["things"]
    things.insert_many(
        [{"_id": one, "n": number, "deep": {"a": [number, "x"]}} for number, one in enumerate(MIXED_IDS)]
    )
    things.insert_many(
        [{"_id": f"k{number:03d}", "n": number, "note": "plain", "deep": {"a": [1.5]}} for number in range(200)]
    )
    made = Project(tmp_path, mongo, things.full_name)
    made.write()
    made.apply(nursery)
    made.catch_up(nursery)
    return made


def rewrite(uri: str, changed: Callable[[list[Row]], Iterable[Row]]) -> None:
    """Put other rows in a table, behind the back of whoever folds it."""
    table = DeltaTable(uri)
    schema = table_schema(table)
    rows = pa.RecordBatchReader.from_stream(table.scan()).read_all().select(schema.names).cast(schema).to_pylist()
    write_deltalake(table, pa.Table.from_pylist(list(changed(rows)), schema=schema), mode="overwrite")


def test_a_table_that_equals_its_collection_is_clean_whatever_types_its_ids_have(
    project: Project, database: Database[Any]
) -> None:
    result = compare(project, limits=ChunkLimits(rows=64))

    assert (result.exit_code, result.candidates) == (0, 0)
    assert result.source_documents == result.table_rows == database["things"].count_documents({})
    assert result.coverage.verified_until == result.coverage.until


def test_processes_that_share_a_collection_leave_no_document_out(project: Project) -> None:
    result = compare(project, workers=2)

    assert len({chunk.part for chunk in result.chunks}) > 1
    assert (result.exit_code, result.source_documents) == (0, 200 + len(MIXED_IDS))


def test_documents_that_share_an_id_are_no_pass_though_one_of_them_equals_the_row(
    project: Project, database: Database[Any], nursery: Nursery
) -> None:
    # This server holds both, as two shards may; the text of their _id, and so their row, is one.
    database["things"].insert_many([{"_id": {"b": 1}, "n": 1}, {"_id": {"b": Int64(1)}, "n": 2}])
    project.catch_up(nursery)

    result = compare(project)

    assert result.source_documents == result.table_rows + 1
    assert told(result) == {'{"b":{"$numberInt":"1"}}': Verdict.UNSUPPORTED}
    assert "several documents" in result.findings[0].reason
    assert result.exit_code == 6
    assert result.coverage.verified_until is None


def test_a_document_that_was_put_back_while_it_was_read_is_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, calls = Documents.read, []

    def read_twice_when_compared(documents: Documents, texts: Sequence[str], time: int) -> Iterator[tuple[str, bytes]]:
        found = list(read(documents, texts, time))
        calls.append(len(found))
        return iter(found * 2 if len(calls) == 1 else found)

    monkeypatch.setattr(Documents, "read", read_twice_when_compared)
    result = compare(project, mode="ids", ids=["k009", "k010"])
    assert (calls, told(result), result.exit_code) == ([2, 2, 2], {}, 0), "compared, looked at again, counted"


def test_each_kind_of_damage_is_found_and_named(project: Project, database: Database[Any], nursery: Nursery) -> None:
    database["things"].update_one({"_id": "k004"}, {"$set": {"n": -1}})
    project.catch_up(nursery)

    def damaged(rows: list[Row]) -> Iterator[Row]:
        for row in rows:
            match row["_id"]:
                case "k001":
                    continue
                case "k002":
                    row["deep"]["a"] = []
                case "k003":
                    yield row
                case "k004":
                    row["n"] = 4
                case "k005":
                    yield {**row, "_id": "nobody"}
            yield row

    rewrite(project.paths.current, damaged)
    result = compare(project)

    assert told(result) == {
        "k001": Verdict.MISSING,
        "k002": Verdict.MISMATCH,
        "k003": Verdict.DUPLICATE,
        "k004": Verdict.MISMATCH,
        "nobody": Verdict.EXTRA,
    }
    assert result.exit_code == 5
    assert result.coverage.verified_until is None
    paths = {one.identity: [difference.path for difference in one.differences] for one in result.findings}
    assert paths["k004"] == ["n"]


def test_what_the_table_was_not_given_yet_is_in_flight_and_no_pass(
    project: Project, database: Database[Any], nursery: Nursery
) -> None:
    things = database["things"]
    things.update_one({"_id": "k001"}, {"$set": {"n": -1}})
    things.delete_one({"_id": "k002"})
    things.insert_one({"_id": "new"})

    before = compare(project)
    project.catch_up(nursery)
    after = compare(project)

    assert told(before) == dict.fromkeys(["k001", "k002", "new"], Verdict.IN_FLIGHT)
    assert (before.exit_code, after.exit_code) == (6, 0)


def test_a_collection_that_stood_still_for_long_is_judged_all_the_same(project: Project) -> None:
    rewrite(project.paths.current, lambda rows: [row for row in rows if row["_id"] != "k009"])

    result = compare(project, mode="ids", ids=["k009", "k010"])

    assert told(result) == {"k009": Verdict.MISSING}


def test_a_writer_at_full_speed_causes_no_false_difference_and_hides_no_true_one(
    project: Project, database: Database[Any], nursery: Nursery
) -> None:
    toggled, ended = database["things"], threading.Event()

    def toggle() -> None:
        # The same two documents come and go, so that what is read before and after looks the same.
        number = 0
        while not ended.is_set():
            number += 1
            toggled.update_one({"_id": f"k{number % 40:03d}"}, {"$bit": {"n": {"xor": 1}}})
            toggled.delete_one({"_id": "blinks"})
            toggled.insert_one({"_id": "blinks"})
            time.sleep(0.01)

    rewrite(project.paths.current, lambda rows: [row for row in rows if row["_id"] != "k199"])
    writer, toggler = Writer(database["things"], seed=3, rate=200), threading.Thread(target=toggle)
    running = project.start("run", nursery=nursery)
    assert running.wait_for("table opened")
    writer.start()
    toggler.start()
    results = [compare(project, wait_s=2.0, rounds=3) for _ in range(2)]
    ended.set()
    toggler.join()
    writer.finish()
    running.kill()
    project.catch_up(nursery)

    for result in results:
        confirmed = {identity for identity, verdict in told(result).items() if verdict.is_confirmed}
        assert confirmed == {"k199"}, result.findings
        assert result.candidates > 1, "nothing changed meanwhile: nothing was tried"
    assert told(compare(project)) == {"k199": Verdict.MISSING}


def test_an_incremental_pass_looks_at_what_was_touched_and_joins_the_one_before(
    project: Project, database: Database[Any], nursery: Nursery
) -> None:
    first = compare(project)
    database["things"].insert_one({"_id": "new"})
    project.catch_up(nursery)
    rewrite(project.paths.current, lambda rows: [row for row in rows if row["_id"] != "new"])

    second = compare(project, mode="incremental")

    assert told(second) == {"new": Verdict.MISSING}
    assert second.coverage.since == first.coverage.until
    assert second.coverage.verified_until == first.coverage.verified_until


def test_numbers_alone_are_compared_and_what_is_on_its_way_is_no_proof(
    project: Project, database: Database[Any], nursery: Nursery
) -> None:
    things = database["things"]
    equal = compare(project, mode="counts")
    things.insert_many([{"_id": f"new{number}"} for number in range(3)])
    moving = compare(project, mode="counts")
    rewrite(
        project.paths.current, lambda rows: [row for row in rows if row["_id"] not in {f"k{n:03d}" for n in range(5)}]
    )
    fewer = compare(project, mode="counts")
    project.catch_up(nursery)

    assert (equal.exit_code, equal.confidence, equal.coverage.verified_until) == (0, EQUAL, None)
    assert (moving.exit_code, moving.totals) == (6, {Verdict.IN_FLIGHT: 3})
    assert (fewer.exit_code, fewer.totals) == (5, {Verdict.MISSING: 5})
    assert compare(project, mode="counts").totals == {Verdict.MISSING: 5}


def test_a_sample_finds_damage_of_the_stated_share_as_often_as_it_says(project: Project) -> None:
    """Only rows are gone, so that the documents that are drawn have to find it: one chance of 20 to miss it."""
    gone = {f"k{number:03d}" for number in range(0, 200, 18)}
    clean = compare(project, mode="sampled", confidence=0.95, rate=0.05)
    rewrite(project.paths.current, lambda rows: [row for row in rows if row["_id"] not in gone])
    passes = [compare(project, mode="sampled", confidence=0.95, rate=0.05) for _ in range(12)]

    assert sum(result.exit_code == 5 for result in passes) >= 7
    assert all(set(told(result)) <= gone for result in passes)
    assert clean.exit_code == 0
    assert "0.95 confidence" in clean.confidence


@pytest.mark.parametrize(("confidence", "rate"), [(0.99, 0.001), (0.5, 0.5), (0.99999, 0.000001)])
def test_a_sample_is_just_as_large_as_its_confidence_asks(confidence: float, rate: float) -> None:
    size = sample_size(confidence, rate)
    assert (1 - rate) ** size <= 1 - confidence < (1 - rate) ** (size - 1) * (1 + 1e-9)


def test_documents_too_large_to_be_judged_together_are_judged_in_parts(project: Project) -> None:
    rewrite(project.paths.current, lambda rows: [row | {"n": -1} for row in rows])
    with comparing(project) as comparison:
        patience = Patience(batch_bytes=2000)
        sides = (comparison.open_side, comparison.documents, comparison.in_flight, comparison.rules, patience)
        found = {one.identity: one.verdict for one in Recheck(*sides).judge([f"k{n:03d}" for n in range(150)])}
    assert found == {f"k{number:03d}": Verdict.MISMATCH for number in range(150)}


def test_a_history_is_compared_by_its_current_versions(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    things = database["things"]
    things.insert_many([{"_id": number, "n": number} for number in range(20)])
    project = Project(tmp_path, mongo, things.full_name, mode="history")
    project.write()
    project.apply(nursery)
    project.catch_up(nursery)
    things.update_many({}, {"$inc": {"n": 1}})
    things.delete_one({"_id": 3})
    project.catch_up(nursery)

    result = compare(project)

    assert (result.exit_code, result.source_documents, result.table_rows) == (0, 19, 19)


def test_a_change_log_alone_is_compared_by_its_newest_rows(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    things = database["things"]
    things.insert_many([{"_id": number, "n": number} for number in range(20)])
    project = Project(tmp_path, mongo, things.full_name, mode="changes")
    project.write()
    project.apply(nursery)
    project.catch_up(nursery)
    things.update_many({}, {"$inc": {"n": 1}})
    things.delete_one({"_id": 3})
    before = compare(project)
    project.catch_up(nursery)

    assert set(told(before).values()) == {Verdict.IN_FLIGHT}
    assert (after := compare(project)).exit_code == 0
    assert (after.source_documents, after.table_rows) == (19, 19)


def test_the_command_tells_scripts_by_its_exit_code(project: Project) -> None:
    rewrite(project.paths.current, lambda rows: [row for row in rows if row["_id"] != "k001"])

    files = [project.folder / f"report.{form}" for form in ("html", "md", "json")]

    running = project.start("reconcile", "--json", *(f"--report={path}" for path in files))

    assert running.wait() == 5, running.text
    assert all("k001" in path.read_text() for path in files)


def test_a_pass_that_another_version_began_is_not_resumed_and_a_new_one_takes_its_place(project: Project) -> None:
    with comparing(project, resume=True) as comparison:
        kept = Reconciliations(comparison.database, "local")
        kept.begin("older", "things", "full", {"began": 1, "buckets": 1, "shares": [[None, None]]})
        as_if(comparison.database, "older", born="long ago")
        with pytest.raises(UserError, match=r"older was begun by another version.*\n.*leave --resume out"):
            reconcile(comparison, Silent())
        assert [one.id for one in kept.unfinished("things")] == ["older"]

    with comparing(project) as comparison:
        assert reconcile(comparison, Silent()).exit_code == 0
        assert Reconciliations(comparison.database, "local").get("older") is None


def test_the_state_keeps_paths_and_never_what_documents_contain(project: Project) -> None:
    def bent(rows: list[Row]) -> Iterator[Row]:
        for row in rows:
            yield {**row, "note": "private"} if row["_id"] == "k001" else row

    rewrite(project.paths.current, bent)
    compare(project)

    content = b"".join(path.read_bytes() for path in (project.folder / ".oplake").glob("state.db*"))
    assert b"private" not in content
    assert b"plain" not in content
    assert b'"path":"note"' in content


def test_the_command_compares_what_is_due_and_nothing_else(project: Project, nursery: Nursery) -> None:
    spec = project.folder / "specs/pipelines/things.yaml"
    rewrite(project.paths.current, lambda rows: [row for row in rows if row["_id"] != "k001"])
    assert project.start("reconcile", "--due", nursery=nursery).wait() == 0, "there is no schedule"

    spec.write_text(f"{spec.read_text()}reconcile: {{every: 1d, mode: counts}}\n")
    codes = [project.start("reconcile", "--due", nursery=nursery).wait() for _ in range(2)]

    assert codes == [5, 0]
