"""The loop of one table as a pure function: an event and a state give the next state and the next effect.

    state, effect = step(state, event)

The worker performs the effect and tells its result as the next event. One effect is under way at a time,
and an effect is decided from the state alone, so one that was not performed has left no trace: a stop
request may be told between an effect and its result, or replace an effect that was not begun.

    Started -> Poll -> Polled -> ... -> Append -> Appended -> ... -> Fold -> Folded -> ... -> Exit
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from engine.source.batch import Batch, Position

STREAM_TIME = "stream.time"
_SNAPSHOT_PREFIX = "snapshot."
_KAFKA_PREFIX = "kafka."
_SECONDS_SHIFT = 32
"""A packed cluster time holds its seconds above this bit."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of one table's loop. Every wait and every batch has one."""

    max_rows: int = 50_000
    """Rows of one commit."""
    max_bytes: int = 64 << 20
    """BSON bytes of one commit; the document that reaches it still belongs to the batch."""
    max_age_s: float = 2.0
    """How long the first row of a batch waits for company."""
    fold_every_s: float | None = 60.0
    """None: the table is its change log alone."""
    fold_rows: int = 1_000_000
    """Unfolded rows that do not wait for the interval."""
    poll_s: float = 0.25
    """The longest wait for the source; a stop request waits no longer than this."""
    record_after_s: int = 600
    """How far, by the source's clock, an idle table's committed position may fall behind what was read.
    It has to stay well below the time the source keeps its changes for."""
    is_shared: bool = False
    """Others may append to the same log, so there may be rows to fold although none were appended here."""


@dataclass(frozen=True, slots=True)
class Started:
    """The log and the source are open."""

    now: float


@dataclass(frozen=True, slots=True)
class Polled:
    """The source gave these changes, perhaps none, and stands at their position."""

    batch: Batch
    now: float
    caught_up: bool = False
    own_part_read: bool = False
    """All that is this worker's of what the run is to catch up with is read; others may be at theirs."""


@dataclass(frozen=True, slots=True)
class Appended:
    """The batch and its position are committed."""

    now: float


@dataclass(frozen=True, slots=True)
class PositionRecorded:
    """The position is committed without rows."""

    now: float


@dataclass(frozen=True, slots=True)
class Folded:
    """The folded table holds every row of the log."""

    now: float


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Finish the batch and leave."""

    now: float


Event: TypeAlias = Started | Polled | Appended | PositionRecorded | Folded | StopRequested


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask the source for changes: at most so many rows, about so many bytes, within so many seconds."""

    timeout_s: float
    max_rows: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Append:
    """Commit these changes and the position after them, together."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Commit a position alone."""

    position: Position


@dataclass(frozen=True, slots=True)
class Fold:
    """Bring the folded table up to the log."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Nothing is left to do."""

    reason: Literal["stopped", "caught up"]


Effect: TypeAlias = Poll | Append | RecordPosition | Fold | Exit


@dataclass(frozen=True, slots=True)
class State:
    """What the loop of one table knows. Times are seconds of one monotonic clock."""

    bounds: Bounds
    committed: Position
    """The position of the last commit: where a worker that starts now would resume."""
    position: Position
    """The position after the last poll."""
    now: float = 0.0
    pending: tuple[Batch, ...] = ()
    """Polled and not committed, in source order."""
    pending_rows: int = 0
    pending_bytes: int = 0
    pending_since: float = 0.0
    unfolded_rows: int = 0
    may_be_unfolded: bool = True
    """Rows may wait for a fold: true at first, because an earlier process may have left some."""
    folded_at: float = 0.0
    committed_at: float = 0.0
    until_caught_up: bool = False
    caught_up: bool = False
    own_part_read: bool = False
    is_last: bool = False
    """What is pending ends this worker's part of the run, and has no company to wait for."""
    stopping: bool = False


def begin(bounds: Bounds, committed: Position, *, until_caught_up: bool = False) -> State:
    """The state of a loop that resumes from a committed position."""
    return State(bounds, dict(committed), dict(committed), until_caught_up=until_caught_up)


def step(state: State, event: Event) -> tuple[State, Effect]:
    """Take in what happened and decide what to do next. Has no side effects."""
    after = _observe(state, event)
    return after, _decide(after)


def _observe(state: State, event: Event) -> State:
    match event:
        case Polled():
            return _take(state, event)
        case Appended(now):
            return replace(
                state,
                now=now,
                committed=state.position,
                committed_at=now,
                pending=(),
                pending_rows=0,
                pending_bytes=0,
                is_last=False,
                unfolded_rows=state.unfolded_rows + state.pending_rows,
                may_be_unfolded=True,
            )
        case PositionRecorded(now):
            return replace(state, now=now, committed=state.position, committed_at=now)
        case Folded(now):
            return replace(state, now=now, folded_at=now, unfolded_rows=0, may_be_unfolded=False)
        case StopRequested(now):
            return replace(state, now=now, stopping=True)
        case Started(now):
            return replace(state, now=now, folded_at=now, committed_at=now)


def _take(state: State, polled: Polled) -> State:
    """Put polled changes behind those that wait."""
    batch, now = polled.batch, polled.now
    position = {**state.position, **batch.position}
    may_be_unfolded = state.may_be_unfolded or state.bounds.is_shared
    after = replace(
        state,
        now=now,
        position=position,
        caught_up=polled.caught_up,
        own_part_read=polled.own_part_read,
        is_last=state.is_last or (polled.own_part_read and not state.own_part_read),
        may_be_unfolded=may_be_unfolded,
    )
    if not len(batch) and not batch.rejected:
        return after
    return replace(
        after,
        pending=(*state.pending, batch),
        pending_rows=state.pending_rows + len(batch) + len(batch.rejected),
        pending_bytes=state.pending_bytes + batch.size_bytes,
        pending_since=state.pending_since if state.pending else now,
    )


def _decide(state: State) -> Effect:
    done = state.until_caught_up and state.caught_up
    if state.pending and (state.stopping or done or state.is_last or _is_full(state)):
        return Append(replace(Batch.concat(state.pending), position=state.position))
    if state.stopping:
        # No fold: it may take long, and the next worker resumes it exactly.
        return RecordPosition(state.position) if _is_worth_recording(state) else Exit("stopped")
    if _is_fold_due(state) or (done and _may_fold(state)):
        return Fold()
    if not state.pending and _is_worth_recording(state):
        return RecordPosition(state.position)
    if done:
        return Exit("caught up")
    return Poll(
        _patience_s(state),
        state.bounds.max_rows - state.pending_rows,
        state.bounds.max_bytes - state.pending_bytes,
    )


def _is_full(state: State) -> bool:
    bounds = state.bounds
    return (
        state.pending_rows >= bounds.max_rows
        or state.pending_bytes >= bounds.max_bytes
        or state.now - state.pending_since >= bounds.max_age_s
    )


def _may_fold(state: State) -> bool:
    return state.bounds.fold_every_s is not None and state.may_be_unfolded


def _is_fold_due(state: State) -> bool:
    every_s = state.bounds.fold_every_s
    if every_s is None or not state.may_be_unfolded:
        return False
    return state.unfolded_rows >= state.bounds.fold_rows or state.now - state.folded_at >= every_s


def _is_worth_recording(state: State) -> bool:
    """Whether the position without rows deserves a commit of its own.

    The stream of a quiet collection moves on with the source's clock; committing each move would fill the
    log with empty versions, committing none would let the source forget where the table stands.
    """
    moved = [name for name, value in state.position.items() if state.committed.get(name) != value]
    if any(name.startswith(_SNAPSHOT_PREFIX) for name in moved):
        return True
    if any(name.startswith(_KAFKA_PREFIX) for name in moved):
        # What was passed over (tombstones, marks of transactions) may be deleted before it is read again, and
        # that would look like a loss.
        is_last = state.stopping or (state.until_caught_up and state.caught_up)
        return is_last or state.now - state.committed_at >= state.bounds.record_after_s
    ahead = state.position.get(STREAM_TIME, 0) - state.committed.get(STREAM_TIME, 0)
    return ahead >> _SECONDS_SHIFT >= state.bounds.record_after_s


def _patience_s(state: State) -> float:
    """How long the source may take: until the batch is old enough or a fold is due, at most ``poll_s``."""
    bounds = state.bounds
    waits = [bounds.poll_s]
    if state.pending:
        waits.append(state.pending_since + bounds.max_age_s - state.now)
    if _may_fold(state) and bounds.fold_every_s is not None:
        waits.append(state.folded_at + bounds.fold_every_s - state.now)
    return max(0.0, min(waits))
