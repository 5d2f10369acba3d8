"""Spilled pairs: whatever files they are in, each bucket has the same, and comparing opens few of them."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from engine.reconcile.candidates import compare_buckets
from engine.reconcile.digests import PAIRS
from engine.reconcile.kept_chunks import ChunkPlace, KeptChunks
from engine.reconcile.source_scan import ScannedChunk
from engine.reconcile.spill import Spill, spill_content, write_spill
from engine.reconcile.spill_folder import SpillFolder
from engine.reconcile.spilled_side import MOST_FILES, SpilledSide
from engine.state.checkpoints import Checkpoints
from engine.state.database import open_database
from engine.state.tenure import Tenure

BUCKETS = 8
FILES = 2 * MOST_FILES + 20


def spilled(path: Path, ids: list[str]) -> Path:
    rows = [{"id": one, "digest": one.encode().ljust(16, b".")} for one in ids]
    write_spill(path, spill_content(pa.Table.from_pylist(rows, schema=PAIRS), BUCKETS))
    return path


def of_buckets(paths: list[Path]) -> list[list[str]]:
    spills = [Spill(path) for path in paths]
    buckets = [pa.concat_tables([one.rows(bucket, bucket + 1) for one in spills]) for bucket in range(BUCKETS)]
    return [sorted(map(str, rows.to_pylist())) for rows in buckets]


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(open_database(f"sqlite:///{tmp_path}/state.db"), "reconcile:one")


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Files of no row up to some."""
    chance = random.Random(7)  # noqa: S311  repeats
    return [
        spilled(tmp_path / f"source-{number:06d}.arrow", [f"{number}-{row}" for row in range(chance.randrange(9))])
        for number in range(FILES)
    ]


def test_merged_files_are_few_and_have_the_same_rows_in_each_bucket(
    tmp_path: Path, checkpoints: Checkpoints, paths: list[Path]
) -> None:
    before = of_buckets(paths)
    side = SpilledSide(checkpoints, SpillFolder(tmp_path), "source")
    side.save(paths, {"version": 3})

    merged = side.merged(lambda: None)

    assert of_buckets(merged) == before
    assert len(merged) == MOST_FILES
    assert sorted(tmp_path.glob("*.arrow")) == sorted(merged)
    assert side.done() == {"version": 3}
    assert side.merged(lambda: None) == merged


def test_few_files_are_left_as_they_are(tmp_path: Path, checkpoints: Checkpoints, paths: list[Path]) -> None:
    side = SpilledSide(checkpoints, SpillFolder(tmp_path), "source")
    side.save(paths[:MOST_FILES], {})
    assert side.merged(lambda: None) == paths[:MOST_FILES]


class Cut(Exception):
    """The process ends here."""


@pytest.mark.parametrize("place", ["reconcile.merge.before_list", "reconcile.merge.after_list"])
def test_a_merge_that_is_cut_off_loses_and_doubles_nothing(
    tmp_path: Path, checkpoints: Checkpoints, paths: list[Path], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reach(name: str) -> None:
        if name == place:
            raise Cut

    before = of_buckets(paths)
    side = SpilledSide(checkpoints, SpillFolder(tmp_path), "source")
    side.save(paths, {})
    with monkeypatch.context() as patched:
        patched.setattr("engine.reconcile.spilled_side.reach", reach)
        for _ in range(2):
            with pytest.raises(Cut):
                side.merged(lambda: None)
            assert side.done() == {}
    assert of_buckets(side.merged(lambda: None)) == before


def test_a_side_of_which_a_file_is_lost_is_not_done(
    tmp_path: Path, checkpoints: Checkpoints, paths: list[Path]
) -> None:
    side = SpilledSide(checkpoints, SpillFolder(tmp_path), "source")
    assert side.done() is None
    side.save(paths, {})
    assert side.done() == {}
    paths[5].unlink()
    assert side.done() is None


def test_one_difference_is_found_however_many_files_its_bucket_is_in(
    tmp_path: Path, checkpoints: Checkpoints, paths: list[Path]
) -> None:
    table = [spilled(tmp_path / "table.arrow", [row["id"] for path in paths for row in rows(path)] + ["extra"])]
    side = SpilledSide(checkpoints, SpillFolder(tmp_path), "source")
    side.save(paths, {})

    def found(source: list[Path]) -> list[tuple[int, int, tuple[str, ...]]]:
        return [(one.documents, one.rows, one.differing) for one in compare_buckets(source, table, BUCKETS)]

    whole = found(paths)
    assert [text for *_, differing in whole for text in differing] == ["extra"]
    assert found(side.merged(lambda: None)) == whole


def test_each_way_in_which_two_sides_differ_is_told_once(tmp_path: Path) -> None:
    source = [spilled(tmp_path / "source.arrow", ["equal", "missing", "other", "twice", "other twice"])]
    other = [{"id": one, "digest": b"another digest.."} for one in ("other", "other twice")]
    write_spill(tmp_path / "more.arrow", spill_content(pa.Table.from_pylist(other, schema=PAIRS), BUCKETS))
    ids = ["equal", "extra", "twice", "twice", "other twice", "extra twice", "extra twice"]
    table = [spilled(tmp_path / "table.arrow", ids), tmp_path / "more.arrow"]

    found = [text for one in compare_buckets(source, table, BUCKETS) for text in one.differing]

    assert sorted(found) == ["extra", "extra twice", "missing", "other", "other twice", "twice"]
    for empty in (compare_buckets([], table, BUCKETS), compare_buckets(table, [], BUCKETS)):
        assert len([text for one in empty for text in one.differing]) == 6


def rows(path: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = Spill(path).rows(0, BUCKETS).to_pylist()
    return found


def test_a_chunk_counts_only_behind_the_one_it_began_after(tmp_path: Path, checkpoints: Checkpoints) -> None:
    """A share whose first file was lost is read anew, and its chunks may end elsewhere: an old one leaves a gap."""
    kept = KeptChunks(checkpoints, ChunkPlace(Tenure("one", 1), "", SpillFolder(tmp_path)))
    content = spill_content(PAIRS.empty_table(), BUCKETS)
    for number, (after, last) in enumerate([(None, b"a"), (b"a", b"b"), (b"b", b"c")]):
        kept.keep(0, ScannedChunk(number, 1, content, 1, 1.0, after, last, is_last=number == 2))
    whole = kept.standings(1)[0]
    whole.files[0].unlink()
    lost = kept.standings(1)[0]
    kept.keep(0, ScannedChunk(0, 1, content, 1, 1.0, None, b"aa", is_last=False))
    again = kept.standings(1)[0]

    assert (len(whole.chunks), whole.is_done, len(lost.chunks), lost.after) == (3, True, 0, None)
    assert (len(again.chunks), again.after, again.is_done) == (1, b"aa", False)
