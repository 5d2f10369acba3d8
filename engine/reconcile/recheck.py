"""Judges documents that did not look the same, while both sides go on changing (docs/reconciliation.md).

A round reads, in this order: the rows; the time; the documents, not older than that; which of them have changed since
the table's position; and the documents once more. A document without a change in flight has to equal its row.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from engine.decode.rules import DecodeRules
from engine.errors import LakeError, ResumePointLost, TransportError
from engine.lake.log_commits import LogHistoryGone
from engine.reconcile.difference import differences
from engine.reconcile.digests import Digester, pairs
from engine.reconcile.documents import Documents
from engine.reconcile.fingerprint import new_key
from engine.reconcile.in_flight import InFlight
from engine.reconcile.table_side import TableSide
from engine.reconcile.verdict import Finding, Verdict

_DECODED_AT_ONCE, _DECODED_BYTES = 2000, 8 << 20
SHARED_ID = "several documents of the collection have this _id (on several shards, say): a table has one row of them"
NOBODY_RUNS = "no run is moving changes into the table: `oplake run --until-caught-up`, then reconcile again"


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a document is waited for."""

    rounds: int = 6
    """Rounds in which a document may change before it counts as changing too fast."""
    wait_s: float = 0.0
    """How long the table may stand still before what is in flight is reported as such."""
    look_every_s: float = 0.5
    batch: int = 20_000
    """Documents of one round: their rows are held in memory, the documents are not."""
    batch_bytes: int = 64 << 20
    """Of these rows; a batch that is larger is halved, down to a single document."""


class _TooMuch(Exception):
    """The rows of so many documents do not fit into memory."""


@dataclass(frozen=True, slots=True)
class _Round:
    """What one round read."""

    side: TableSide
    read_at: int
    number: int
    table: pa.Table
    places: Mapping[str, list[int]]
    """``_id`` text -> where its rows stand in the table."""
    seen: Mapping[str, bytes]
    """Hash of each document that is there and does not look like its row."""
    shared: list[str]
    """Those that several documents have at once: a table has one row of them, so none is proven."""
    differing: list[str]

    def rows(self, text: str) -> list[dict[str, Any]]:
        """Of one document; turned into values only now, since these take up much more than the table does."""
        found: list[dict[str, Any]] = self.table.take(pa.array(self.places.get(text, []), pa.int64())).to_pylist()
        return found


class Recheck:
    """The documents of one table, judged in rounds."""

    def __init__(
        self,
        open_side: Callable[[], TableSide],
        documents: Documents,
        in_flight: InFlight,
        rules: DecodeRules,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._open_side = open_side
        self._documents = documents
        self._in_flight = in_flight
        self._rules = rules
        self._patience = patience
        self._key = new_key()
        self._now = clock
        self._sleep = sleep

    def judge(self, ids: Sequence[str]) -> Iterator[Finding]:
        """A finding for each document that is not equal on both sides, and none for the others."""
        at, size = 0, self._patience.batch
        while at < len(ids):
            batch = ids[at : at + size]
            try:
                yield from self._judge(batch)  # raises before it yields anything
            except _TooMuch:
                size = len(batch) // 2
            else:
                at += len(batch)

    def _judge(self, ids: Sequence[str]) -> Iterator[Finding]:
        waiting = list(ids)
        for number in range(1, self._patience.rounds + 1):
            side = self._open_side()
            try:
                found, waiting = self._one_round(side, waiting, number)
            except (ResumePointLost, LogHistoryGone, TransportError) as error:
                found = [Finding(text, Verdict.SKIPPED, rounds=number, reason=error.what) for text in waiting]
                waiting = []
            yield from found
            if not waiting:
                return
            if number < self._patience.rounds and not self.wait_for_more(side):
                reason = NOBODY_RUNS if not self._patience.wait_s else "the table stood still while we waited"
                yield from (Finding(text, Verdict.IN_FLIGHT, rounds=number, reason=reason) for text in waiting)
                return
        yield from (Finding(text, Verdict.CHANGED_TOO_FAST, rounds=self._patience.rounds) for text in waiting)

    def _one_round(self, side: TableSide, ids: list[str], number: int) -> tuple[list[Finding], list[str]]:
        """Findings that are final, and the documents that are to be looked at again."""
        read = self._read(side, ids, number)
        found = [
            Finding(text, Verdict.UNSUPPORTED, rounds=number, read_at=read.read_at, reason=SHARED_ID)
            for text in read.shared
        ]
        if not read.differing:
            return found, []
        wanted = pa.array(read.differing, pa.string())
        changing = side.unfolded(wanted) | self._in_flight.changed_after(side, set(read.differing))
        still = [text for text in read.differing if text not in changing]
        gone = set(still)
        for text, document in self._documents.read(still, read.read_at):
            gone.discard(text)
            if read.seen.get(text) == _hash(document):
                found += self._verdict(read, text, document)
            else:
                changing.add(text)
        changing |= gone & read.seen.keys()
        found += [finding for text in sorted(gone - read.seen.keys()) for finding in self._verdict(read, text, None)]
        return found, [text for text in read.differing if text in changing]

    def _read(self, side: TableSide, ids: list[str], number: int) -> _Round:
        is_alone = number > 1 or len(ids) == 1
        table = side.rows(pa.array(ids, pa.string()), None if is_alone else self._patience.batch_bytes)
        if table is None:
            raise _TooMuch
        found = pairs(table, side.columns, self._key)
        row_digests: dict[str, list[bytes]] = {}
        places: dict[str, list[int]] = {}
        for place, (text, digest) in enumerate(zip(*(column.to_pylist() for column in found.columns), strict=True)):
            row_digests.setdefault(text, []).append(digest)
            places.setdefault(text, []).append(place)
        read_at = self._documents.now()
        equal, seen, repeated = self._compare(ids, row_digests, side, read_at)
        several = self._at_once(repeated, read_at) if repeated else set[str]()
        settled = equal | several
        differing = [text for text in ids if text not in settled and (text in seen or text in row_digests)]
        return _Round(side, read_at, number, table, places, seen, sorted(several), differing)

    def _at_once(self, repeated: set[str], read_at: int) -> set[str]:
        """Those that several documents have: one that was deleted and put back while it was read comes twice, too."""
        counts = Counter(text for text, _ in self._documents.read(sorted(repeated), read_at))
        return {text for text in repeated if counts[text] > 1}

    def _compare(
        self, ids: list[str], row_digests: Mapping[str, list[bytes]], side: TableSide, read_at: int
    ) -> tuple[set[str], dict[str, bytes], set[str]]:
        """The documents that equal their one row, a hash of each other one, and the ids that came more than once."""
        digester = Digester(self._rules, side.columns, self._key)
        equal: set[str] = set()
        seen: dict[str, bytes] = {}
        repeated: set[str] = set()
        for batch in _batched(self._documents.read(ids, read_at)):
            digests = digester.documents([document for _, document in batch]).column("digest").to_pylist()
            for (text, document), digest in zip(batch, digests, strict=True):
                if text in equal or text in seen:
                    repeated.add(text)
                if row_digests.get(text) == [digest]:
                    equal.add(text)
                else:
                    seen[text] = _hash(document)
        return equal, seen, repeated

    def _verdict(self, read: _Round, text: str, document: bytes | None) -> list[Finding]:
        """What is proven of a document that has no change in flight: nothing when it equals its row after all."""
        rows = read.rows(text)
        position = rows[0]["_position"] if rows else None
        finding = Finding(text, Verdict.MISMATCH, rounds=read.number, read_at=read.read_at, position=position)
        if document is None:
            return [replace(finding, verdict=Verdict.EXTRA)]
        if not rows:
            return [replace(finding, verdict=Verdict.MISSING)]
        if len(rows) > 1:
            return [replace(finding, verdict=Verdict.DUPLICATE, reason=f"{len(rows)} rows")]
        different = differences(document, rows[0], read.side.columns, self._rules)
        return [replace(finding, differences=different)] if different else []

    def wait_for_more(self, before: TableSide) -> bool:
        """Wait until the table tells more than it did; False when that takes too long."""
        deadline = self._now() + self._patience.wait_s
        while self._now() < deadline:
            self._sleep(self._patience.look_every_s)
            try:
                after = self._open_side()
            except LakeError:
                continue  # it is being written
            if (after.folded, after.version) != (before.folded, before.version):
                return True
        return False


def _hash(document: bytes) -> bytes:
    return blake2b(document, digest_size=16).digest()


def _batched(found: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    held: list[tuple[str, bytes]] = []
    size = 0
    for one in found:
        held.append(one)
        size += len(one[1])
        if len(held) >= _DECODED_AT_ONCE or size >= _DECODED_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held
