from __future__ import annotations

from collections import Counter, defaultdict

from bson import encode
from hypothesis import given
from hypothesis import strategies as st

from engine.datagen.changes import Change, changes
from engine.datagen.documents import documents
from engine.datagen.writing import waves

IDS = [document["_id"] for document in documents("users", 200, 1)]


def test_half_are_inserts_two_fifths_updates_and_a_tenth_deletes() -> None:
    kinds = Counter(change.kind for change in changes("users", IDS, 10_000, 1))
    assert 0.48 < kinds["insert"] / 10_000 < 0.52
    assert 0.38 < (kinds["update"] + kinds["replace"]) / 10_000 < 0.42
    assert 0.09 < kinds["delete"] / 10_000 < 0.11
    assert kinds["replace"] > 0


def test_changes_touch_only_living_documents_and_insert_only_new_ones() -> None:
    living = set(IDS)
    for change in changes("users", IDS, 5000, 1):
        if change.kind == "insert":
            assert change.identity not in living
            assert change.body is not None
            assert change.body["_id"] == change.identity
            living.add(change.identity)
        else:
            assert change.identity in living
        if change.kind == "delete":
            living.remove(change.identity)


def test_updates_are_spread_evenly_over_the_documents() -> None:
    touched: Counter[object] = Counter()
    for run in range(40):
        early = [c for c in changes("users", IDS, 100, run + 1000) if c.identity in IDS]
        touched.update(change.identity for change in early)
    assert len(touched) > 0.99 * len(IDS)
    assert max(touched.values()) < 5 * sum(touched.values()) / len(IDS)


def test_a_second_run_goes_on_after_the_ids_of_the_first() -> None:
    first = [change.identity for change in changes("users", IDS, 100, 1) if change.kind == "insert"]
    second = [change.identity for change in changes("users", IDS + first, 100, 1) if change.kind == "insert"]
    assert not set(first) & set(second)


def test_an_empty_collection_only_grows_at_first() -> None:
    assert next(changes("users", [], 1, 1)).kind == "insert"


def test_every_body_encodes_and_no_update_touches_the_id() -> None:
    for change in changes("orders", IDS, 3000, 1, edge_cases=0.5):
        encode(change.body or {})
        for fields in (change.body or {}).values() if change.kind == "update" else ():
            assert "_id" not in fields


@given(st.lists(st.integers(0, 8), max_size=60))
def test_waves_keep_each_documents_order_and_touch_it_once(identities: list[int]) -> None:
    given_changes = [Change("update", one, {"n": place}) for place, one in enumerate(identities)]
    result = waves(given_changes)
    assert all(len({change.identity for change in wave}) == len(wave) for wave in result)
    seen = defaultdict(list)
    for wave in result:
        for change in wave:
            seen[change.identity].append(change)
    wanted = defaultdict(list)
    for change in given_changes:
        wanted[change.identity].append(change)
    assert seen == wanted


def test_ids_of_different_types_are_different_documents() -> None:
    assert len(waves([Change("delete", 1), Change("delete", "1"), Change("delete", True)])) == 1
