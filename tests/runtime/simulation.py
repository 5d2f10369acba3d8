"""A table's loop run without I/O: source, log and folded table are plain lists, and the clock jumps."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from engine.runtime import step as loop
from engine.source.batch import Batch, Position

TIME_A_POLL_S = (0.0, 0.001, 0.1, 0.7)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  repeatable, not secret


@dataclass
class SimulatedSource:
    """Changes numbered from 0; the position is the number of the next one."""

    sizes: list[int]
    at: int

    def poll(self, effect: loop.Poll, wanted: int) -> Batch:
        """Some of the changes the effect allows; like a source it stops once the byte limit is reached."""
        assert effect.max_rows > 0
        assert effect.max_bytes > 0
        taken = size = 0
        while taken < min(wanted, effect.max_rows, len(self.sizes) - self.at) and size < effect.max_bytes:
            size += self.sizes[self.at + taken]
            taken += 1
        batch = batch_of(range(self.at, self.at + taken), self.sizes)
        self.at += taken
        return batch

    @property
    def is_drained(self) -> bool:
        return self.at == len(self.sizes)


def batch_of(numbers: range, sizes: list[int]) -> Batch:
    return Batch(
        operations=["c"] * len(numbers),
        orders=[f"{number:08d}" for number in numbers],
        source_times_us=[0] * len(numbers),
        keys=[b""] * len(numbers),
        documents=[b"x" * sizes[number] for number in numbers],
        position={"next": numbers.stop},
    )


@dataclass
class SimulatedTable:
    """What survives a crash: the commits. ``ages`` says how long each batch's first row waited."""

    commits: list[tuple[list[str], Position]] = field(default_factory=list)
    folded: int = 0
    sizes_of_commits: list[int] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)

    @property
    def orders(self) -> list[str]:
        return [order for rows, _ in self.commits for order in rows]

    @property
    def position(self) -> Position:
        return self.commits[-1][1] if self.commits else {}


class Crashed(Exception):
    """The process died here."""


@dataclass
class Simulation:
    """Runs one process's loop over a table until it exits, is told to stop, or crashes."""

    sizes: list[int]
    bounds: loop.Bounds
    chance: random.Random
    table: SimulatedTable = field(default_factory=SimulatedTable)
    crash_chance: float = 0.0
    stop_after: int | None = None
    effects: list[loop.Effect] = field(default_factory=list)
    now: float = 1000.0

    def run(self) -> str:
        """Returns the reason of the exit."""
        source = SimulatedSource(self.sizes, self.table.position.get("next", 0))
        state = loop.begin(self.bounds, self.table.position, until_caught_up=self.stop_after is None)
        state, effect = loop.step(state, loop.Started(self.now))
        self._since: float | None = None
        while not isinstance(effect, loop.Exit):
            self.effects.append(effect)
            state, effect = loop.step(state, self._perform(effect, source))
            if self.stop_after is not None and len(self.effects) >= self.stop_after:
                state, effect = loop.step(state, loop.StopRequested(self.now))
        return effect.reason

    def _perform(self, effect: loop.Effect, source: SimulatedSource) -> loop.Event:
        self._perhaps_crash()
        match effect:
            case loop.Poll():
                assert 0 <= effect.timeout_s <= self.bounds.poll_s
                batch = source.poll(effect, self.chance.randrange(4))
                self.now += min(effect.timeout_s, self.chance.choice(TIME_A_POLL_S))
                if len(batch) and self._since is None:
                    self._since = self.now
                return loop.Polled(batch, self.now, source.is_drained)
            case loop.Append(batch):
                self._commit(batch)
                self._perhaps_crash()
                return loop.Appended(self.now)
            case loop.RecordPosition(position):
                self.table.commits.append(([], position))
                self._perhaps_crash()
                return loop.PositionRecorded(self.now)
            case loop.Fold():
                self.now += self.chance.choice(TIME_A_POLL_S)
                self.table.folded = len(self.table.orders)
                self._perhaps_crash()
                return loop.Folded(self.now)
        raise AssertionError(effect)

    def _commit(self, batch: Batch) -> None:
        assert len(batch)
        assert self._since is not None
        self.table.ages.append(self.now - self._since)
        self._since = None
        self.table.commits.append((list(batch.orders), batch.position))
        self.table.sizes_of_commits.append(batch.size_bytes)
        self.now += self.chance.choice(TIME_A_POLL_S)

    def _perhaps_crash(self) -> None:
        if self.chance.random() < self.crash_chance:
            raise Crashed
