from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from engine.decode.arrow_types import arrow_schema
from engine.decode.system_columns import log_schema
from engine.errors import CommitConflict, InternalError, LakeError
from engine.lake.change_log import ChangeLog
from engine.lake.delta_log import commits_between, last_checkpoint
from engine.lake.fold import fold_current
from engine.lake.fold_history import fold_history
from engine.lake.layout import TablePaths
from engine.spec.types import ListOf, MapOf, Scalar, Struct
from tests.lake.changes import COLUMNS, Change, rows, stored


def new_log(folder: Path, columns: Struct = COLUMNS) -> ChangeLog:
    return ChangeLog.create(str(folder / "changes"), columns, position={"snapshot.rows": 0})


def test_a_table_has_three_places_below_the_lake() -> None:
    paths = TablePaths("s3://bucket/lake/", "orders")
    assert paths.changes == "s3://bucket/lake/orders/changes"
    assert (paths.current, paths.history) == ("s3://bucket/lake/orders/current", "s3://bucket/lake/orders/history")


def test_a_log_opens_at_the_position_of_its_last_commit(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    version = log.append(rows([Change("a", 1), Change("b", 2)]), {"snapshot.rows": 2, "stream.time": 9})
    again = ChangeLog.open(log.uri)
    assert again.position() == log.position() == {"snapshot.rows": 2, "stream.time": 9}
    assert again.version() == log.version() == version == 1
    assert again.columns() == COLUMNS


def test_a_position_outlives_the_commits_that_carried_it(tmp_path: Path) -> None:
    """deltalake 1.6.6 does not list application ids, so they are read from checkpoint and commits alike."""
    log = new_log(tmp_path)
    log.append(rows([Change("a", 1)]), {"orders/0": 1})
    log.append(rows([Change("b", 2)]), {"orders/1": 1})
    DeltaTable(log.uri).create_checkpoint()
    for version in (0, 1):
        (tmp_path / "changes" / "_delta_log" / f"{version:020d}.json").unlink()
    ChangeLog.open(log.uri).append(rows([Change("c", 3)]), {"orders/2": 1})
    wanted = {"snapshot.rows": 0, "orders/0": 1, "orders/1": 1, "orders/2": 1}
    assert ChangeLog.open(log.uri).position() == wanted


def test_a_checkpoint_in_parts_counts_once_all_parts_are_there() -> None:
    parts = [f"{7:020d}.checkpoint.{n:010d}.0000000003.parquet" for n in (1, 2)]
    old = f"{4:020d}.checkpoint.parquet"
    names = [*parts, old, "_last_checkpoint", *(f"{n:020d}.json" for n in range(3, 10))]
    assert last_checkpoint(names, 9) == (4, [old])
    complete = [*names, f"{7:020d}.checkpoint.{3:010d}.0000000003.parquet"]
    assert last_checkpoint(complete, 9)[0] == 7
    assert last_checkpoint(complete, 6)[0] == 4
    assert commits_between(complete, 7, 8) == [8]


def test_a_position_is_written_whole(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.append(rows([Change("a", 1)]), {"snapshot.rows": 0, "stream.time": 4})
    log.append(rows([Change("a", 2)]), {"snapshot.rows": 0, "stream.time": 5})
    commit = (tmp_path / "changes" / "_delta_log" / f"{2:020d}.json").read_text()
    assert '"appId":"oplake:stream.time"' in commit
    assert '"appId":"oplake:snapshot.rows"' in commit


def test_a_position_can_be_recorded_without_rows(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    assert log.record_position({"stream.time": 5}) == 1
    assert ChangeLog.open(log.uri).position()["stream.time"] == 5
    assert stored(log.uri) == []


def test_a_log_is_created_once_and_opened_only_if_it_is_there(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="no Delta table here"):
        ChangeLog.open(str(tmp_path / "changes"))
    new_log(tmp_path)
    with pytest.raises(LakeError, match="there is a Delta table already"):
        new_log(tmp_path)


def test_evolving_adds_fields_at_any_depth_and_is_no_commit_when_nothing_is_new(tmp_path: Path) -> None:
    narrow = Struct({"l": ListOf(Struct({"x": Scalar.UUID})), "m": MapOf(Struct({"y": Scalar.INT32}))})
    wide = Struct(
        {
            "l": ListOf(Struct({"x": Scalar.UUID, "x2": Scalar.TIMESTAMP})),
            "m": MapOf(Struct({"y": Scalar.INT32, "y2": ListOf(Scalar.OBJECT_ID)})),
            "new": Struct({"deep": MapOf(Scalar.JSON)}),
        }
    )
    log = new_log(tmp_path, narrow)
    log.append(rows([Change("a", 1, values={"l": [{"x": "u"}], "m": [("k", {"y": 1})]})], narrow), {"p": 1})
    log.evolve(wide)
    assert log.columns() == wide == ChangeLog.open(log.uri).columns()
    version = log.version()
    log.evolve(wide)
    log.evolve(Struct({}))
    log.evolve(narrow)
    assert log.version() == version
    assert (stored(log.uri)[0]["l"], stored(log.uri)[0]["m"]) == (
        [{"x": "u", "x2": None}],
        [("k", {"y": 1, "y2": None})],
    )
    with pytest.raises(InternalError, match=r"column m\.y is asked for as string where it is int32"):
        log.evolve(Struct({"m": MapOf(Struct({"y": Scalar.STRING}))}))


def test_a_field_that_is_new_inside_a_map_does_not_make_the_tables_unreadable(tmp_path: Path) -> None:
    """deltalake 1.6.6 cannot read a file whose map values have fewer fields than the schema says."""
    narrow = Struct({"m": MapOf(Struct({"y": Scalar.INT32}))})
    wide = Struct({"m": MapOf(Struct({"y": Scalar.INT32, "y2": Scalar.STRING}))})
    bare = str(tmp_path / "bare")
    DeltaTable.create(bare, arrow_schema(narrow))
    write_deltalake(bare, pa.table({"m": [[("k", {"y": 1})]]}, schema=arrow_schema(narrow)), mode="append")
    write_deltalake(bare, arrow_schema(wide).empty_table(), mode="append", schema_mode="merge")
    with pytest.raises(pa.ArrowInvalid, match="Cannot cast column 'm'"):
        stored(bare)
    log, current, history = new_log(tmp_path, narrow), str(tmp_path / "current"), str(tmp_path / "history")
    log.append(rows([Change("a", 1, values={"m": [("k", {"y": 1})]})], narrow), {"p": 1})
    fold_current(log, current)
    fold_history(log, history)
    log.append(rows([Change("b", 2, values={"m": [("k", {"y": 2})]})], narrow), {"p": 2})
    log.evolve(wide)
    log.append(rows([Change("c", 3, values={"m": [("k", {"y": 3, "y2": "z"})]})], wide), {"p": 3})
    assert ChangeLog.open(log.uri).position() == {"snapshot.rows": 0, "p": 3}
    for fold, uri in ((fold_current, current), (fold_history, history)):
        assert fold(log, uri).rows_read == 2
        found = {row["_id"]: row["m"][0][1] for row in stored(uri)}
        assert found == {"a": {"y": 1, "y2": None}, "b": {"y": 2, "y2": None}, "c": {"y": 3, "y2": "z"}}


def test_the_row_at_an_order_gives_its_key(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.append(rows([Change("it's", 7), Change("b", 8)]), {})
    assert log.key_at(Change("", 7).order) == {"_id": "it's", "_rescued": None}
    assert log.key_at(Change("", 9).order) is None
    assert log.key_at("' OR 1=1 --") is None


def test_columns_may_come_in_another_order_but_none_may_miss_or_be_too_many(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    batch = rows([Change("a", 1, values={"n": 3})])
    log.append(batch.select(batch.column_names[::-1]), {})
    assert stored(log.uri)[0]["n"] == 3
    with pytest.raises(InternalError, match="n is missing"):
        log.append(batch.drop_columns("n"), {})
    with pytest.raises(InternalError, match="zz is no column of the table"):
        log.append(batch.append_column("zz", pa.array([1])), {})
    with pytest.raises(InternalError, match="do not have the table's types"):
        log.append(batch.append_column(pa.field("n", pa.int32()), pa.array([1], pa.int32())), {})
    assert len(stored(log.uri)) == 1


@pytest.mark.parametrize(
    ("kind", "value"),
    [(pa.float64(), 2.5), (pa.bool_(), True), (pa.int64(), 1), (pa.string(), "1"), (pa.uint32(), 1), (pa.null(), None)],
)
def test_a_narrower_or_other_type_never_reaches_the_library(tmp_path: Path, kind: pa.DataType, value: object) -> None:
    """deltalake 1.6.6 turns 2.5 into 2 and True into 1 in an int column without a word."""
    log = new_log(tmp_path)
    batch = rows([Change("a", 1)])
    with pytest.raises(InternalError, match=f"n is {kind} where the table has int32"):
        log.append(batch.set_column(0, pa.field("n", kind), pa.array([value], kind)), {"p": 1})
    nested = batch.set_column(1, "place", pa.array([{"city": 1}]))
    with pytest.raises(InternalError, match="place is struct<city: int64> where the table has struct<city: string>"):
        log.append(nested, {"p": 1})
    assert ChangeLog.open(log.uri).version() == 0


def test_strings_may_be_laid_out_as_arrow_likes(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    large = pa.schema([f.with_type(pa.large_string()) if f.type == pa.string() else f for f in log_schema(COLUMNS)])
    log.append(rows([Change("a", 1)]).cast(large), {})
    assert stored(log.uri)[0]["_id"] == "a"


def test_a_worker_whose_columns_others_have_changed_opens_the_log_again(tmp_path: Path) -> None:
    behind = new_log(tmp_path)
    ChangeLog.open(behind.uri).evolve(Struct({**COLUMNS.fields, "x": Scalar.STRING}))
    with pytest.raises(CommitConflict, match="another writer's commit is in the way"):
        behind.append(rows([Change("a", 1)]), {"p": 1})


def test_a_zombie_stays_out_even_when_a_commit_of_its_own_has_passed_over_its_successor(tmp_path: Path) -> None:
    """A commit without ``txn`` rebases its table over foreign commits, and the library's fence is gone."""
    zombie = new_log(tmp_path)
    successor = ChangeLog.open(zombie.uri)
    successor.append(rows([Change("a", 1)]), {"stream.time": 1})
    zombie.append(rows([Change("x", 5)]), {"other/0": 1})
    assert zombie.version() == 2
    with pytest.raises(CommitConflict, match=r"another worker has moved .stream.time. from None to 1"):
        zombie.append(rows([Change("a", 1)]), {"stream.time": 1})


def test_statistics_of_a_log_cover_what_folds_look_up(tmp_path: Path) -> None:
    """Statistics cover the first 32 columns by default; a wide document would push the position out."""
    wide = Struct({f"c{n}": Scalar.INT32 for n in range(40)})
    log = new_log(tmp_path, wide)
    log.append(rows([Change("a", 1), Change("b", 2, "d")], wide), {})
    files = pa.table(DeltaTable(log.uri).get_add_actions(flatten=True)).to_pylist()
    assert (files[0]["min._op"], files[0]["max._op"]) == ("d", "u")
    assert (files[0]["min._position"], files[0]["max._position"]) == (Change("", 1).order, Change("", 2).order)


def test_texts_that_are_different_in_each_row_get_no_dictionary_and_the_others_keep_theirs(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.append(rows([Change("a", 1), Change("b", 2)]), {"orders": 1})

    (file,) = tmp_path.rglob("*.parquet")
    group = pq.read_metadata(file).row_group(0)
    has_dictionary = {
        column.path_in_schema: column.has_dictionary_page for column in map(group.column, range(group.num_columns))
    }

    assert not has_dictionary["_id"]
    assert not has_dictionary["_position"]
    assert has_dictionary["_op"]
