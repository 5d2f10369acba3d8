"""New rows of a change log into a current table that has rows already.

Ids grow with time, as ObjectIds do. Of the changes 50% insert, 40% update and 10% delete; updates and deletes hit
documents drawn evenly from the whole table, which is the worst case: no file of the table is left alone.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from engine.decode.decoder import Decoder
from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.spec.types import Struct
from tests.benchmarks.decode import NOW
from tests.benchmarks.documents import SEED, SMALL, batch_of, raw_documents, rows_in_a_batch
from tests.benchmarks.measurement import Measurement, peak_bytes, timed

DOCUMENT_BYTES = 385
"""Of a ``SMALL`` document, on average."""
COMMIT_ROWS = rows_in_a_batch(SMALL)


def fold(changes: int, base_rows: int) -> Measurement:
    """Time the fold alone: the changes are appended before the clock starts."""
    with tempfile.TemporaryDirectory(prefix="oplake-bench-") as folder:
        _prepare_elsewhere(Path(folder), base_rows)
        log = ChangeLog.open(f"{folder}/changes")
        template = _template(min(changes, COMMIT_ROWS))
        chance = random.Random(SEED)  # noqa: S311 - no secret

        def append(run: int) -> None:
            for start in range(0, changes, COMMIT_ROWS):
                rows = _changes(template, min(COMMIT_ROWS, changes - start), base_rows, (run, start), chance)
                log.append(rows, {"bench": log.version() + 1})

        seconds = timed(lambda _: fold_current(log, f"{folder}/current"), append)
    what = f"fold, {changes:,} changes into {base_rows:,} rows"
    return Measurement(f"fold {changes} {base_rows}", what, changes, changes * DOCUMENT_BYTES, seconds)


def first_fold(base_rows: int) -> Measurement:
    """Fold a whole log into no table: what follows a snapshot. Measured once, it is long."""
    with tempfile.TemporaryDirectory(prefix="oplake-bench-") as folder:
        found = _prepare_elsewhere(Path(folder), base_rows)
    what = f"fold, the first, {base_rows:,} rows into a new table (one run)"
    size = base_rows * DOCUMENT_BYTES
    return Measurement(f"fold first {base_rows}", what, base_rows, size, [found["seconds"]], int(found["peak"]))


def prepare(folder: Path, base_rows: int) -> None:
    """Make a log of inserts, fold it, and print how long that took; run in a process of its own."""
    template = _template(COMMIT_ROWS)
    log = ChangeLog.create(str(folder / "changes"), Decoder().decode(_sample(1000), Struct({}), NOW).columns)
    for start in range(0, base_rows, COMMIT_ROWS):
        count = min(COMMIT_ROWS, base_rows - start)
        ids = _hexadecimal(pa.array(range(start, start + count)))
        orders = pc.binary_join_element_wise(pa.scalar("00000000"), ids, "")
        log.append(_with(template.slice(0, count), {"_id": ids, "_position": orders}), {"bench": log.version() + 1})
    started = time.perf_counter()
    fold_current(log, str(folder / "current"))
    print(json.dumps({"seconds": time.perf_counter() - started, "peak": peak_bytes()}))


def _prepare_elsewhere(folder: Path, base_rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks", "prepare-fold", str(folder), str(base_rows)]
    answer: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return answer


def _changes(template: pa.Table, count: int, base_rows: int, place: tuple[int, int], chance: random.Random) -> pa.Table:
    """Rows of the log: inserts under new ids, updates and deletes of old ones."""
    run, start = place
    operations = chance.choices("cud", (50, 40, 10), k=count)
    first_new = base_rows + 1_000_000 * (run + 1) + start
    numbers = [
        first_new + row if operation == "c" else chance.randrange(base_rows) for row, operation in enumerate(operations)
    ]
    rows = template.slice(0, count)
    columns = {
        "_id": _hexadecimal(pa.array(numbers)),
        "_op": pa.array(operations),
        "_position": pa.array([f"{run + 1:08x}{start + row:024x}" for row in range(count)]),
    }
    is_delete = pc.equal(columns["_op"], "d")
    for name in rows.column_names:
        if not name.startswith("_"):
            column = rows.column(name).combine_chunks()
            columns[name] = pc.if_else(is_delete, pa.scalar(None, column.type), column)
    return _with(rows, columns)


def _hexadecimal(numbers: pa.Array) -> pa.Array:
    return pa.array([f"{number:024x}" for number in numbers.to_pylist()])


def _with(rows: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    for name, values in columns.items():
        index = rows.schema.get_field_index(name)
        rows = rows.set_column(index, rows.schema.field(index), values)
    return rows


def _template(rows: int) -> pa.Table:
    """Decoded users whose ids and positions are replaced."""
    return Decoder().decode(_sample(rows), Struct({}), NOW).table


def _sample(rows: int):  # noqa: ANN202
    return batch_of(raw_documents(SMALL, rows))


CASES = {
    f"fold first {2_000_000}": (first_fold, 2_000_000),
    **{
        f"fold {changes} {base_rows}": (fold, changes, base_rows)
        for base_rows in (100_000, 2_000_000)
        for changes in (1_000, 10_000, 100_000)
    },
}
