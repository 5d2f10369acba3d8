"""From a real server to folded tables: ``oplake run --until-caught-up`` as a process, start-up included.

The limit is reading the same collection with PyMongo and doing nothing with it: the server's own speed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from engine.datagen.generate import Recipe, change_collection
from engine.stack.mongodb import MongoServer
from tests.benchmarks.documents import SEED, SMALL, raw_documents
from tests.benchmarks.measurement import Measurement, in_bytes, timed
from tests.faults.project import TARGET
from tests.faults.spec_folder import OPLAKE

DOCUMENTS, CHANGES, REPEATS = 100_000, 20_000, 3
_ID_AT = 9
"""Behind the document's length, the type and the name of ``_id``."""
PIPELINE = """\
pipeline: users
source: {collections: [shop.users]}
table: {mode: current}
"""


@dataclass(frozen=True, slots=True)
class Shop:
    """A server with users in it, and an applied project."""

    client: MongoClient[Any]
    uri: str
    size_bytes: int
    folder: Path

    def project(self, name: str) -> Path:
        """A fresh project with empty tables."""
        folder = self.folder / name
        for kind, text in (("targets/local", TARGET), ("pipelines/users", PIPELINE)):
            spec = folder / f"specs/{kind}.yaml"
            spec.parent.mkdir(parents=True)
            spec.write_text(text.format(uri=self.uri) if kind.startswith("targets") else text)
        subprocess.run([OPLAKE, "apply", "--yes"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        return folder


def snapshot() -> Measurement:
    """Copy a collection and fold it."""
    with a_shop() as shop:
        runs = [_catch_up(shop.project(f"run-{number}")) for number in range(REPEATS)]
    return Measurement(
        "end to end snapshot",
        f"end to end, snapshot of {DOCUMENTS:,} documents ({REPEATS} runs)",
        DOCUMENTS,
        shop.size_bytes,
        [seconds for seconds, _ in runs],
        max(peak for _, peak in runs),
    )


def changes() -> Measurement:
    """Follow changes made since, half inserts, two fifths updates, one tenth deletes, and fold them."""
    runs = []
    with a_shop() as shop:
        project = shop.project("changes")
        _catch_up(project)
        for _ in range(REPEATS):
            change_collection(shop.client["shop"]["users"], Recipe("users", SEED, 0.0), CHANGES)
            runs.append(_catch_up(project))
    return Measurement(
        "end to end changes",
        f"end to end, {CHANGES:,} changes into {DOCUMENTS:,} rows ({REPEATS} runs)",
        CHANGES,
        CHANGES * shop.size_bytes // DOCUMENTS,
        [seconds for seconds, _ in runs],
        max(peak for _, peak in runs),
    )


def read_collection() -> Measurement:
    """The limit: all documents of the collection over the wire, as raw BSON."""
    with a_shop() as shop:
        options: bson.CodecOptions[RawBSONDocument] = bson.CodecOptions(document_class=RawBSONDocument)
        users = shop.client["shop"].get_collection("users", codec_options=options)
        seconds = timed(lambda _: sum(1 for _ in users.find()), lambda _: None, REPEATS)
    what = f"limit: PyMongo reads the same collection from the same server ({REPEATS} runs)"
    return Measurement("limit server", what, DOCUMENTS, shop.size_bytes, seconds)


@contextmanager
def a_shop(documents: int = DOCUMENTS) -> Iterator[Shop]:
    """A server of its own, with users in it; more of them than ``DOCUMENTS`` are those again, with other ids."""
    with (
        tempfile.TemporaryDirectory(prefix="oplake-bench-") as name,
        MongoServer(Path(name) / "mongodb") as server,
        MongoClient[Any](server.uri) as client,
    ):
        raw = raw_documents(SMALL, DOCUMENTS)
        users = client["shop"]["users"]
        for number in range(documents // DOCUMENTS):
            for start in range(0, DOCUMENTS, 10_000):
                some = [RawBSONDocument(_again(one, number)) for one in raw[start : start + 10_000]]
                users.insert_many(some, ordered=False)
        yield Shop(client, server.uri, sum(map(len, raw)) * (documents // DOCUMENTS), Path(name))


def _again(raw: bytes, number: int) -> bytes:
    """A document whose ``_id``, an ObjectId that stands first, is another one for each number."""
    return raw[:_ID_AT] + number.to_bytes(2, "big") + raw[_ID_AT + 2 :] if number else raw


def _catch_up(project: Path) -> tuple[float, int]:
    return measured(project, "run", "--until-caught-up")


def measured(project: Path, *words: str) -> tuple[float, int]:
    """Seconds and peak memory of one ``oplake WORDS``, which has to end well."""
    started = time.perf_counter()
    with (project / "run.log").open("ab") as log:
        process = subprocess.Popen([OPLAKE, *words], cwd=project, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError((project / "run.log").read_text())
    return seconds, in_bytes(usage.ru_maxrss)


CASES = {
    "limit server": (read_collection,),
    "end to end snapshot": (snapshot,),
    "end to end changes": (changes,),
}
