"""Strikes one blow after the other while a workload writes, and then asks whether anything is lost or doubled."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bson import Timestamp
from deltalake.exceptions import DeltaError

from tests.chaos.blows import KILLS, TROUBLES, Blows
from tests.chaos.hosts import Hosts
from tests.chaos.project import PATIENCE_S, ChaosProject, ChaosTable
from tests.faults.nursery import Nursery
from tests.faults.witness import server_time
from tests.faults.workload import Writer

WRITES_A_SECOND = 25.0
"""Of each collection."""
WRITES_A_BLOW = 60
"""The most of each collection: what is to be caught up with must not grow with the time that servers take to start."""
LONGEST_PAUSE_S = 2.0
_log = logging.getLogger(__name__)


@dataclass
class Campaign:
    """One project under fire."""

    project: ChaosProject
    nurseries: Sequence[Nursery]
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    """Victim -> how often it was killed."""
    troubles: Counter[str] = field(default_factory=Counter)
    """What else was done -> how often."""
    rewound: int = 0
    """How often a connector went back: Connect is not always in a state to do so."""
    writes: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable, not secret

    def run(self, kills: int) -> list[str]:
        """Kill so many times, rounded up to twenties, let everything come to rest, and say what is wrong."""
        project = self.project
        project.write()
        for table in project.tables:
            table.collection.insert_one({"_id": "copied"})
        project.finish("apply", "--yes", nursery=self.nurseries[0])
        with Hosts(project, self.nurseries, self._random) as hosts:
            blows = Blows(project, hosts, self._random)
            since = self._begin_streaming(blows)
            self._fire_while_writing(blows, kills)
            self._insert_and_see("last", blows)
            hosts.stop()
        project.finish("run", "--until-caught-up", nursery=self.nurseries[0])
        return [problem for table in project.tables for problem in table.problems(since, "last")]

    def _fire_while_writing(self, blows: Blows, kills: int) -> None:
        writers = [Writer(table.collection, self.seed, WRITES_A_SECOND, most=0) for table in self.project.tables]
        for writer in writers:
            writer.start()
        try:
            self._fire(blows, kills, writers)
        finally:
            for writer in writers:
                writer.finish()
            self.writes = sum(writer.written for writer in writers)

    def _fire(self, blows: Blows, kills: int, writers: Sequence[Writer]) -> None:
        """Strike blow after blow; between decks the tables have to keep up, or a long campaign killed only starters."""
        while self.kills.total() < kills:
            if self.kills:
                self._insert_and_see(f"after {self.kills.total()}", blows)
            deck = self._shuffled()
            while deck:
                for writer in writers:
                    writer.most += WRITES_A_BLOW
                time.sleep(self._random.uniform(0, LONGEST_PAUSE_S))
                blows.look_after()
                self._strike(blows, deck)
        blows.end()
        self.rewound = blows.rewound
        _log.info("kills: %s; troubles: %s; rewound: %d", dict(self.kills), dict(self.troubles), self.rewound)

    def _strike(self, blows: Blows, deck: deque[str]) -> None:
        blow = deck.popleft()
        if not blows.strike(blow):
            deck.append(blow)
            _log.info("%s: not just now", blow)
            return
        (self.kills if blow in KILLS else self.troubles)[blow] += 1
        _log.info("%d kills; %s", self.kills.total(), blow)

    def _shuffled(self) -> deque[str]:
        """All blows in their shares: twenty kills, and what else is done."""
        cards = list((Counter(KILLS) + Counter(TROUBLES)).elements())
        self._random.shuffle(cards)
        return deque(cards)

    def _begin_streaming(self, blows: Blows) -> Timestamp:
        """A time from which on each event comes from the stream: the snapshot is over, an offset is stored."""
        self._see("copied", blows)
        self._insert_and_see("streamed", blows)
        blows.begin()
        return server_time(self.project.servers.client)

    def _insert_and_see(self, identity: str, blows: Blows) -> None:
        for table in self.project.tables:
            table.collection.insert_one({"_id": identity})
        self._see(identity, blows)

    def _see(self, identity: str, blows: Blows) -> None:
        """Wait until each log has a row of this document, as long as anything at all arrives."""
        most, until = -1, 0.0
        logged = self._logged()
        while not all(identity in ids for ids in logged):
            if (rows := sum(map(len, logged))) > most:
                most, until = rows, time.monotonic() + PATIENCE_S
            assert time.monotonic() < until, f"{identity!r} never came:\n{blows.text}"
            time.sleep(1)
            blows.look_after()
            logged = self._logged()

    def _logged(self) -> list[list[str]]:
        return [_ids(table) for table in self.project.tables]


def _ids(table: ChaosTable) -> list[str]:
    """What the table's log has rows of."""
    try:
        return [row["_id"] for row in table.log().rows]
    except (OSError, DeltaError):
        return []  # the store has just been started again
