"""A batch leaves out what is known, joins what follows, and carries what could not be decoded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.source.batch import Batch, Rejected
from engine.source.pending import Pending

REJECTED = Rejected("topic", 0, 7, -1, None, b"?", "message-not-json", "", 0)


def batch_of(*orders: str, suspects: frozenset[str] = frozenset()) -> Batch:
    count = len(orders)
    documents = [order.encode() for order in orders]
    return Batch(["c"] * count, orders, [0] * count, [b"k"] * count, documents, {"at": count}, suspects=suspects)


def test_a_suspect_that_is_known_is_left_out_and_one_that_is_not_stays_once() -> None:
    batch = batch_of("a", "b", "c", "b", "d", suspects=frozenset({"a", "b"}))

    left = batch.without({"a"})

    assert list(left.orders) == ["b", "c", "d"]
    assert list(left.documents) == [b"b", b"c", b"d"]
    assert left.position == batch.position
    assert not left.suspects


def test_what_nobody_suspects_is_never_left_out() -> None:
    batch = batch_of("a", "b", suspects=frozenset({"b"}))

    assert list(batch.without({"a", "b"}).orders) == ["a"]


def test_joined_batches_keep_all_suspects_and_all_that_was_rejected() -> None:
    first = replace(batch_of("a", suspects=frozenset({"a"})), rejected=[REJECTED])
    second = batch_of("b", "c", suspects=frozenset({"c"}))

    joined = Batch.concat([first, second])

    assert joined.suspects == {"a", "c"}
    assert list(joined.rejected) == [REJECTED]
    assert joined.position == {"at": 2}


def collected(*documents: bytes | None) -> Batch:
    pending = Pending(10, 100)
    for number, document in enumerate(documents):
        pending.add("d" if document is None else "c", str(number), 0, b"key", document)
    pending.extend(["c", "c"], ["a", "b"], [0, 0], [b"k", b"k"], [b"12", b"345"])
    return pending.batch({})


@pytest.mark.parametrize(
    "batch",
    [
        collected(),
        collected(b"1234", None),
        Batch.concat([collected(b"1"), batch_of("a", "b")]),
        collected(b"1234", None, b"56").slice(0, 2),
        collected(b"1234", None, b"56").take([2, 0]),
        replace(collected(b"1234"), suspects=frozenset({"0"})).without({"0"}),
        Batch.concat([]),
    ],
)
def test_a_batch_has_the_size_of_its_keys_and_documents_however_it_was_made(batch: Batch) -> None:
    assert batch.size_bytes == len(b"".join(batch.keys)) + len(b"".join(filter(None, batch.documents)))
