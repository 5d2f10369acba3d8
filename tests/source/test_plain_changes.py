"""The short way from a message to its change gives what ``parse_message`` gives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.source.debezium import Change, Message, cluster_time, cluster_times, parse_message
from engine.source.partition_order import PartitionOrder
from engine.source.plain_changes import Messages, PlainRun
from tests.source.debezium_messages import recorded

NAMESPACE = "shop.types"
IMAGE = '{"_id": {"$oid": "6b04cc3dcc306fea304c1c34"},"n": "\\"é漢\\ud83d\\ude42"}'
SOURCE = {"ts_ms": 1_795_476_766_686, "ord": 6, "db": "shop", "collection": "types", "wallTime": 1_795_476_766_686}
PLAIN = {"before": None, "after": IMAGE, "source": SOURCE, "op": "c", "transaction": None}


def as_value(message: Any) -> bytes:  # noqa: ANN401 - whatever JSON holds
    return json.dumps(message).encode()


def cut_up(messages: Sequence[tuple[bytes | None, bytes | None]]) -> list[Message]:
    """What the short way makes of messages that follow each other, and the long one of those that it leaves."""
    keys, values = [key for key, _ in messages], [value for _, value in messages]
    reader = Messages(NAMESPACE)
    found: list[Message] = []
    for part in reader.cut(keys, values):
        if isinstance(part, PlainRun):
            found += changes(part)
        else:
            found += [reader.parse(*messages[len(found) + row]) for row in range(part)]
    return found


def changes(run: PlainRun) -> list[Message]:
    times: Sequence[int | None] = run.times or [None] * len(run.keys)
    columns = (run.operations, times, run.numbers, run.source_times_us, run.keys, run.documents)
    return [Change(*row) for row in zip(*columns, strict=True)]


def the_long_way(messages: Sequence[tuple[bytes | None, bytes | None]]) -> list[Message]:
    return [parse_message(key, value, NAMESPACE) for key, value in messages]


@given(st.lists(st.tuples(st.integers(0, 2**43), st.integers(-1, 2**40), st.none() | st.integers(0, 2**43))))
def test_many_cluster_times_are_those_of_one_at_a_time(sources: list[tuple[int, int, int | None]]) -> None:
    assert cluster_times(sources) == [cluster_time(*source) for source in sources]


def test_no_messages_are_no_runs() -> None:
    assert Messages(NAMESPACE).cut([], []) == []


def test_every_recorded_message_gives_the_same_both_ways() -> None:
    found = [(one.key, one.value) for one in recorded() if "shop.types" in one.topic]
    assert cut_up(found) == the_long_way(found)


@pytest.mark.parametrize(
    "changed",
    [
        *({"op": operation} for operation in ("r", "c", "u")),
        *({"op": operation} for operation in ("d", "x", None, 5)),
        {"after": None},
        {"after": "{"},
        {"after": IMAGE[:-1]},
        {"after": IMAGE + " "},
        {"after": '{"_id": 5}'},
        {"after": '{"_id": {"$oid": "6B04CC3DCC306FEA304C1C34"}}'},
        {"after": 5},
        {"before": IMAGE},
        {"before": "{", "op": "u"},
        {"transaction": {"id": "1", "total_order": 7}},
        *(
            {"source": SOURCE | other}
            for other in ({"db": "shops"}, {"collection": "Types"}, {"ord": -1}, {"ord": "1"})
        ),
        *(
            {"source": SOURCE | other}
            for other in ({"wallTime": None}, {"wallTime": 1}, {"ts_ms": None}, {"ts_ms": -1})
        ),
        {"source": {"ts_ms": 5}},
        {"source": None},
        {"op": "u", "unknown": [1, 2]},
    ],
)
@pytest.mark.parametrize("key", [b'{"id":"5"}', b"", None, b"no json"])
def test_whatever_a_message_looks_like_it_gives_the_same_both_ways(changed: dict[str, Any], key: bytes | None) -> None:
    plain, other = as_value(PLAIN), as_value(PLAIN | changed)
    messages = [(key, plain), (key, other), (None, plain)]
    assert cut_up(messages) == the_long_way(messages)


@pytest.mark.parametrize("value", [None, b"", b"{", b"\0\1", as_value({"schema": {}, "payload": PLAIN}), b"[" * 9000])
def test_what_is_no_plain_message_gives_the_same_both_ways(value: bytes | None) -> None:
    messages = [(b'{"id":"5"}', as_value(PLAIN)), (b'{"id":"5"}', value), (b'{"id":"6"}', as_value(PLAIN))]
    assert cut_up(messages) == the_long_way(messages)


@pytest.mark.parametrize("operation", ["r", "c", "u"])
def test_a_plain_message_takes_the_short_way(operation: str) -> None:
    (run,) = Messages(NAMESPACE).cut([b"key"], [as_value(PLAIN | {"op": operation})])
    assert isinstance(run, PlainRun)
    assert run.documents == [IMAGE.encode()]


def test_one_odd_message_does_not_send_the_others_the_long_way() -> None:
    plain = as_value(PLAIN)
    parts = Messages(NAMESPACE).cut([None] * 5, [plain, plain, None, plain, plain])
    assert [part if isinstance(part, int) else len(part.keys) for part in parts] == [2, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3))), st.integers(-1, 9))
def test_changes_get_the_orders_and_the_suspects_that_they_get_one_by_one(
    changes: list[tuple[int, int]], newest: int
) -> None:
    times, numbers = [time for time, _ in changes], [number for _, number in changes]
    together, single = PartitionOrder(3, newest), PartitionOrder(3, newest)
    orders, suspects = together.orders_of(times, numbers)
    expected = []
    for offset, (time, number) in enumerate(changes):
        is_new = time > single.newest
        expected.append((single.order(Change("u", time, number, 0, b"", b""), offset), is_new))
    assert orders == [order for order, _ in expected]
    assert suspects == [order for order, is_new in expected if not is_new]
    assert together.newest == single.newest


def test_what_a_snapshot_read_gets_the_orders_that_it_gets_one_by_one() -> None:
    read = Change("r", None, 0, 0, b"", b"")
    offsets = [7, 8, 11]
    expected = [PartitionOrder(3, 5).order(read, offset) for offset in offsets]
    assert PartitionOrder(3, 5).snapshot_orders(offsets) == expected
