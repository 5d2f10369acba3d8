"""Reads what Debezium wrote of one collection to one topic, from the offsets that are committed with the table.

The protocol, with the argument why it is exact, is in docs/protocol.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, KafkaError, Message

from engine.errors import InternalError, PartitionsMoved, SourceUnreachable
from engine.source.batch import Batch, Position, Rejected
from engine.source.debezium import Change, Undecodable
from engine.source.kafka_errors import is_out_of_range, kafka_error, records_gone
from engine.source.kafka_group import Membership, Settings
from engine.source.kafka_position import PartitionPosition, as_position, partition_positions
from engine.source.kafka_starts import starts_of
from engine.source.kafka_topic import Topic, TopicView
from engine.source.partition_order import NOTHING_YET, PartitionOrder
from engine.source.pending import Pending
from engine.source.plain_changes import Messages, PlainRun
from engine.source.record_traces import traces_of
from engine.source.silence import Silence
from engine.telemetry.traces import is_on

MOST_AT_ONCE = 10_000
"""Records of one read: few enough that what is read beyond a batch's bytes stays small."""
ASK_OTHERS_EVERY_S = 1.0
_FIRST_GUESS_BYTES = 1000


class KafkaFeed:
    """One table's membership in its consumer group; it outlives the sources that read through it."""

    def __init__(
        self, topic: str, group: str, settings: Settings, messages: Messages, *, begin_with_data: bool
    ) -> None:
        """Nothing is asked of a broker before the first ``open``.

        Args:
            settings: how the client reaches the brokers, as librdkafka names it.
            messages: what cuts up the topic's records.
            begin_with_data: whether a table begins with the topic's very first record, so that it has to be there.
        """
        self._topic, self._group, self._settings = topic, group, settings
        self._said = messages
        self._begin_with_data = begin_with_data
        self._view: TopicView | None = None
        self._membership: Membership | None = None

    def open(self, committed: Position, read_committed: Callable[[], Position]) -> KafkaSource:
        """A source of the partitions that are ours now, rewound to the committed offsets.

        The log has to be opened after the last ``PartitionsMoved``, and so after whoever had the partitions
        before has committed the last of them.

        Args:
            committed: the position of the log that is held open from now on.
            read_committed: reads the newest committed position, to see how far others have got.

        Raises:
            SourceUnreachable: no broker answers, or there is no such topic yet.
            SourceError: the brokers refuse.
            ResumePointLost: records after the committed position are gone.
        """
        if self._view is None:
            self._view = TopicView(self._topic, self._settings)
        topic = self._view.describe()
        if self._membership is None or self._membership.is_closed:
            self._membership = Membership(self._topic, self._group, self._settings)
        places = partition_positions(committed)
        owned = self._membership.owned
        starts = starts_of(self._view, topic.id, owned, places, begin_with_data=self._begin_with_data)
        self._membership.rewind(starts)
        return KafkaSource(self._membership, self._view, topic, places, starts, read_committed, self._said)

    def close(self) -> None:
        """Leave the group."""
        if self._membership is not None:
            self._membership.close()
        self._membership = None


class KafkaSource:
    """The records of the partitions that one worker owns, until they move."""

    is_shared = True

    def __init__(
        self,
        membership: Membership,
        view: TopicView,
        topic: Topic,
        committed: Mapping[int, PartitionPosition],
        starts: Mapping[int, int],
        read_committed: Callable[[], Position],
        messages: Messages,
    ) -> None:
        """The membership stands at ``starts`` already: partition -> the offset that comes next."""
        self._membership = membership
        self._moves = membership.moves
        self._owned = membership.owned
        self._view = view
        self._partitions = topic.partitions
        self._read_committed = read_committed
        self._said = messages
        self._topic_id = topic.id
        self._offsets = {one: place.offset for one, place in committed.items() if one in self._owned}
        self._orders = _orders(committed, self._owned)
        self._ended: set[int] = set()
        self._seen_at: float | None = None
        self._goal: Mapping[int, int] | None = None
        self._asked_others_at = 0.0
        self._record_bytes = _FIRST_GUESS_BYTES
        self._silence = Silence(starts, view.ends)

    @property
    def position(self) -> Position:
        """The places of the partitions that are ours."""
        return as_position(
            {
                partition: PartitionPosition(self._offsets.get(partition), self._time(partition), self._topic_id)
                for partition in sorted(self._owned)
            }
        )

    @property
    def may_fold(self) -> bool:
        """Whoever owns the first partition folds the table."""
        return 0 in self._owned

    def poll(self, timeout_s: float, max_rows: int, max_bytes: int = 32 << 20) -> Batch:
        """The next records, perhaps none; the batch's position is where to go on after them.

        After an error the log has to be opened again, and a new source with it.

        Raises:
            PartitionsMoved: partitions have come or gone.
            SourceUnreachable: there is no such topic, or Kafka gave up.
            ResumePointLost: records were deleted before they were read.
            SourceError: the brokers refuse.
        """
        most = max(1, min(max_rows, MOST_AT_ONCE, max_bytes // self._record_bytes))
        began = time.monotonic()
        messages = self._membership.read(most, timeout_s)
        waited_s = time.monotonic() - began if len(messages) < most else 0.0
        if self._membership.moves != self._moves:
            raise PartitionsMoved("the consumer group has shared out its partitions anew", where=self._view.name)
        pending = Pending(max_rows, max_bytes)
        suspects: set[str] = set()
        rejected: list[Rejected] = []
        for run in _runs(messages):
            error = run[0].error()
            if error is None:
                self._take(run, pending, suspects, rejected)
            else:
                self._heed(error, run[0])
        self._check_silence(messages, waited_s)
        batch = pending.batch(self.position, encoding="extended_json", suspects=frozenset(suspects), rejected=rejected)
        if is_on():
            batch = replace(batch, traces=traces_of(messages))
        if pending:
            self._record_bytes = max(1, pending.size_bytes // len(batch))
        return batch

    def acknowledge(self, position: Position) -> None:
        """Show the group how far its partitions are committed, for those who watch its lag."""
        places = partition_positions(position)
        self._membership.note_offsets(
            {one: place.offset for one, place in places.items() if one in self._owned and place.offset is not None}
        )

    @property
    def caught_up(self) -> bool:
        """Whether every partition is read up to where it ended when this was first asked.

        Those that others own count when they have committed so far.
        """
        if not self._moves:
            return False
        if self._goal is None:
            self._goal = self._view.ends(self._partitions)
        if not self.own_part_read:
            return False
        others = set(self._goal) - self._owned
        if not any(self._goal[one] for one in others):
            return True
        if time.monotonic() - self._asked_others_at < ASK_OTHERS_EVERY_S:
            return False
        committed = partition_positions(self._read_committed())
        self._asked_others_at = time.monotonic()
        return all((committed.get(one, PartitionPosition()).offset or 0) >= self._goal[one] for one in others)

    @property
    def own_part_read(self) -> bool:
        """Whether our partitions are read that far."""
        goal = self._goal
        return goal is not None and all((self._offsets.get(one) or 0) >= goal[one] for one in self._owned)

    @property
    def lag_seconds(self) -> float | None:
        """How far what was read is behind the clock; None while nothing was."""
        return None if self._seen_at is None else max(0.0, time.time() - self._seen_at)

    @property
    def lag_events(self) -> Mapping[int, int]:
        """Of each partition that is ours the records behind what was read, by the brokers' last answer."""
        ends = self._membership.known_ends(self._owned)
        return {one: max(0, end - (self._offsets.get(one) or 0)) for one, end in ends.items()}

    @property
    def is_assigned(self) -> bool:
        """Whether the group has shared out its partitions, even when none of them is ours."""
        return bool(self._moves)

    oplog_window_s = None

    def close(self) -> None:
        """Nothing: the membership outlives this."""

    def _take(self, records: Sequence[Message], pending: Pending, suspects: set[str], rejected: list[Rejected]) -> None:
        """Records of one partition that follow each other."""
        begin = 0
        for part in self._said.cut([one.key() for one in records], [one.value() for one in records]):
            if isinstance(part, PlainRun):
                found, begin = records[begin : begin + len(part.keys)], begin + len(part.keys)
                self._take_run(part, found, pending, suspects)
                continue
            for record in records[begin : begin + part]:
                self._take_one(record, pending, suspects, rejected)
            begin += part
        partition, offset = _place(records[-1])
        _, timestamp_ms = records[-1].timestamp()
        self._offsets[partition] = offset + 1
        self._ended.discard(partition)
        self._seen_at = timestamp_ms / 1000

    def _take_run(self, run: PlainRun, records: Sequence[Message], pending: Pending, suspects: set[str]) -> None:
        partition, _ = _place(records[0])
        if run.times:
            orders, again = self._orders[partition].orders_of(run.times, run.numbers)
            suspects.update(again)
        else:
            orders = self._orders[partition].snapshot_orders([_place(record)[1] for record in records])
        pending.extend(run.operations, orders, run.source_times_us, run.keys, run.documents)

    def _take_one(self, message: Message, pending: Pending, suspects: set[str], rejected: list[Rejected]) -> None:
        partition, offset = _place(message)
        orders = self._orders[partition]
        change = self._said.parse(message.key(), message.value())
        if isinstance(change, Change):
            is_new = change.time is None or change.time > orders.newest
            order = orders.order(change, offset)
            if not is_new:
                suspects.add(order)
            pending.add(change.operation, order, change.source_time_us, change.key, change.document)
        elif isinstance(change, Undecodable):
            rejected.append(self._rejected(message, change, orders.newest))

    def _rejected(self, message: Message, why: Undecodable, reached: int) -> Rejected:
        partition, offset = _place(message)
        kind, timestamp_ms = message.timestamp()
        written_ms = -1 if kind == TIMESTAMP_NOT_AVAILABLE else timestamp_ms
        key, value = message.key(), message.value()
        return Rejected(self._view.name, partition, offset, written_ms, key, value, why.code, why.detail, reached)

    def _time(self, partition: int) -> int | None:
        newest = self._orders[partition].newest
        return None if newest == NOTHING_YET else newest

    def _check_silence(self, messages: Sequence[Message], waited_s: float) -> None:
        heard = {partition for one in messages if (partition := one.partition()) is not None}
        stuck = self._silence.stuck(heard, waited_s, self._offsets)
        if stuck:
            self._membership.close()
            raise SourceUnreachable(
                f"the Kafka client hands on nothing of partitions {', '.join(map(str, stuck))}, though there is more",
                where=self._view.name,
                remedy="it is made anew; if this repeats, look at the brokers that lead these partitions",
            )

    def _heed(self, error: KafkaError, message: Message) -> None:
        """What is no record: the end of a partition, or something that went wrong."""
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            partition, offset = _place(message)
            if offset < (self._offsets.get(partition) or 0):
                return  # told before the partition was rewound
            self._offsets[partition] = offset
            self._ended.add(partition)
            if self._ended >= self._owned:
                self._seen_at = time.time()
            return
        if is_out_of_range(error):
            raise records_gone(self._view.name, f"partition {message.partition()}: {error.str()}")
        if code == KafkaError._MAX_POLL_EXCEEDED:
            raise PartitionsMoved("the group has taken its partitions back: this worker was silent for too long")
        raise kafka_error(error, self._view.name)


def _runs(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Records of one partition that follow each other, and whatever is no record, each by itself."""
    begin = 0
    for partition, run in groupby(None if message.error() else message.partition() for message in messages):
        end = begin + len(list(run))
        if partition is None:
            yield from ([message] for message in messages[begin:end])
        else:
            yield messages[begin:end]
        begin = end


def _place(message: Message) -> tuple[int, int]:
    """Partition and offset of a record or of the end of a partition; the client always tells them."""
    partition, offset = message.partition(), message.offset()
    if partition is None or offset is None:
        raise InternalError("the Kafka client handed on something from nowhere", where=f"topic {message.topic()}")
    return partition, offset


def _orders(committed: Mapping[int, PartitionPosition], owned: frozenset[int]) -> dict[int, PartitionOrder]:
    """Partition -> what gives its changes their orders, at the greatest cluster time of its rows.

    A partition that has none in a table that has rows is new, and its keys were another's before: whatever is
    not after all of them may be there.
    """
    known = {partition: place.time for partition, place in committed.items() if place.time is not None}
    newest = max(known.values(), default=NOTHING_YET)
    return {partition: PartitionOrder(partition, known.get(partition, newest)) for partition in owned}
