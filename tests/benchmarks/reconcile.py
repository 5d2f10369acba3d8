"""Reconciliation: what a core digests of the source's documents, how that grows, and whole passes with a real server.

Figures a core are in CPU time of this process, so that others on the machine do not slow them; reading from the
server is not part of them. MB are 10^6 bytes of the documents' BSON.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.decode.decoder import Decoder
from engine.decode.rules import DecodeRules
from engine.reconcile.candidates import compare_buckets
from engine.reconcile.digests import PAIRS, Digester, as_column
from engine.reconcile.fingerprint import new_key
from engine.reconcile.lanes import LANES
from engine.reconcile.source_scan import DECODED_AT_ONCE
from engine.reconcile.spill import MOST_BUCKETS, buckets_for, spill_content, write_spill
from engine.reconcile.spill_folder import SpillFolder
from engine.reconcile.spilled_side import SpilledSide
from engine.spec.types import Struct
from engine.stack.mongodb import PROGRAMS
from engine.state.checkpoints import Checkpoints
from engine.state.database import open_database
from tests.benchmarks.decode import NOW, stay_on_one_core
from tests.benchmarks.documents import LARGE, SMALL, batch_of, raw_documents
from tests.benchmarks.end_to_end import DOCUMENTS, a_shop, measured
from tests.benchmarks.measurement import REPEATS, Measurement

ROWS_A_FILE = 200_000
GROWTH = (100_000, 1_000_000, 5_000_000)
RUNS_OF_WHOLE = 3
_FASTER, _ = PROGRAMS
_SERVER = _FASTER if shutil.which(_FASTER) else "the bundled server"
_MANY = GROWTH[1:2] if _SERVER == _FASTER else ()
"""Documents of further whole passes: the bundled server does not answer in time, and the faster one takes 8 GB."""
FILES = (250, 1000)
PAIRS_A_FILE = 20_000


def scan(size: str, count: int) -> Measurement:
    """One side of a pass: decode, digest, spill to files as a chunk does, then compare all buckets."""
    stay_on_one_core()
    raw = raw_documents(size, min(count, 20_000))
    columns = Decoder().decode(batch_of(raw[:1000]), Struct({}), NOW).columns
    repeats = REPEATS if count <= GROWTH[0] else 1
    seconds = [_scanned(raw, columns, count) for _ in range(repeats)]
    total = count * sum(map(len, raw)) // len(raw)
    return Measurement(
        f"reconcile scan {size} {count}", f"reconcile, {size}, {count:,} documents, a core", count, total, seconds
    )


def _scanned(raw: list[bytes], columns: Struct, count: int) -> float:
    """CPU seconds."""
    digester, buckets = Digester(DecodeRules(), columns, new_key()), buckets_for(count)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        paths: list[Path] = []
        held: list[pa.Table] = []
        for start in range(0, count, DECODED_AT_ONCE):
            at = start % len(raw)
            held.append(digester.documents(raw[at : at + DECODED_AT_ONCE]))
            if len(held) * DECODED_AT_ONCE >= ROWS_A_FILE or start + DECODED_AT_ONCE >= count:
                paths.append(Path(folder, f"{len(paths)}.arrow"))
                write_spill(paths[-1], spill_content(pa.concat_tables(held), buckets))
                held = []
        for _ in compare_buckets(paths, paths, buckets):
            pass
        return time.process_time() - began


def comparing(files: int) -> Measurement:
    """Merge and compare both sides of a pass that fills the most buckets there are; files are a tenth of real ones."""
    stay_on_one_core()
    ids = pa.array([f'{{"$oid":"{number:024x}"}}' for number in range(PAIRS_A_FILE)])
    pairs = pa.Table.from_arrays([ids, as_column(np.ones((PAIRS_A_FILE, LANES), np.uint64))], schema=PAIRS)
    content = spill_content(pairs, MOST_BUCKETS)
    with tempfile.TemporaryDirectory() as folder:
        state = Checkpoints(open_database(f"sqlite:///{folder}/state.db"), "benchmark")
        sides = [SpilledSide(state, SpillFolder(Path(folder)), name) for name in ("source", "table")]
        for name, side in zip(("source", "table"), sides, strict=True):
            paths = [Path(folder, f"{name}-{number:06d}.arrow") for number in range(files)]
            for path in paths:
                write_spill(path, content)
            side.save(paths, {})
        began = time.process_time()
        for _ in compare_buckets(*(side.merged(lambda: None) for side in sides), MOST_BUCKETS):
            pass
        seconds = time.process_time() - began
    return Measurement(
        f"reconcile compare {files}",
        f"reconcile, merging and comparing {files:,} files a side in {MOST_BUCKETS:,} buckets, a core",
        files * PAIRS_A_FILE,
        2 * files * content.size,
        [seconds],
    )


def whole(workers: int, documents: int = DOCUMENTS) -> Measurement:
    """``oplake reconcile`` as a process, start-up included, with the server of the local stack on the same machine."""
    repeats = RUNS_OF_WHOLE if documents == DOCUMENTS else 1
    with a_shop(documents) as shop:
        project = shop.project("whole")
        measured(project, "run", "--until-caught-up")
        runs = [measured(project, "reconcile", "--workers", str(workers)) for _ in range(repeats)]
    return Measurement(
        f"reconcile whole {workers} {documents}",
        f"reconcile, {documents:,} documents with {_SERVER}, {workers} workers ({repeats} runs)",
        documents,
        shop.size_bytes,
        [seconds for seconds, _ in runs],
        max(peak for _, peak in runs),
    )


CASES = {
    **{f"reconcile scan {SMALL} {count}": (scan, SMALL, count) for count in GROWTH},
    f"reconcile scan {LARGE} {GROWTH[0]}": (scan, LARGE, GROWTH[0]),
    **{f"reconcile compare {files}": (comparing, files) for files in FILES},
    **{f"reconcile whole {workers} {DOCUMENTS}": (whole, workers) for workers in (1, 2)},
    **{f"reconcile whole {workers} {many}": (whole, workers, many) for many in _MANY for workers in (1, 2)},
}
