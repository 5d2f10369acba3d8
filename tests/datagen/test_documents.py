from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from random import Random

import pytest
from bson import decode, encode

from engine.datagen.documents import documents
from engine.datagen.edge_cases import EDGE_CASES, bend
from engine.datagen.kinds import BUILT_IN
from engine.datagen.seeded import index_of, object_id
from engine.errors import UserError

DIGEST = """
import hashlib, sys
from bson import encode
from engine.datagen.changes import changes
from engine.datagen.documents import documents
digest = hashlib.sha256()
for document in documents(sys.argv[1], 2000, 42):
    digest.update(encode(document))
identities = [document["_id"] for document in documents(sys.argv[1], 100, 42)]
for change in changes(sys.argv[1], identities, 2000, 42):
    digest.update(encode({"kind": change.kind, "id": change.identity, "body": change.body}))
print(digest.hexdigest())
"""


def digest_in_a_process(kind: str, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", DIGEST, kind],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_the_same_seed_gives_the_same_bytes_in_every_process(kind: str) -> None:
    first = digest_in_a_process(kind, PYTHONHASHSEED="1", TZ="UTC")
    assert first == digest_in_a_process(kind, PYTHONHASHSEED="2", TZ="Asia/Kathmandu", LC_ALL="C")


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_another_seed_gives_other_documents_and_other_ids(kind: str) -> None:
    first, second = list(documents(kind, 50, 1)), list(documents(kind, 50, 2))
    assert not {d["_id"] for d in first} & {d["_id"] for d in second}
    assert [encode(d) for d in first] != [encode(d) for d in second]


def test_fewer_documents_are_the_beginning_of_more() -> None:
    assert list(map(encode, documents("users", 10, 7))) == list(map(encode, documents("users", 100, 7)))[:10]


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_a_fifth_of_the_documents_are_edge_cases_and_the_rest_do_not_notice(kind: str) -> None:
    plain = list(map(encode, documents(kind, 5000, 3, edge_cases=0)))
    mixed = list(map(encode, documents(kind, 5000, 3)))
    changed = sum(a != b for a, b in zip(plain, mixed, strict=True))
    assert 0.17 < changed / 5000 < 0.22


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_without_edge_cases_every_document_has_the_same_fields_and_types(kind: str) -> None:
    shapes = {
        tuple((name, type(value)) for name, value in document.items())
        for document in documents(kind, 500, 3, edge_cases=0)
    }
    assert len(shapes) == 1


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_documents_are_about_400_bytes(kind: str) -> None:
    sizes = [len(encode(document)) for document in documents(kind, 1000, 1, edge_cases=0)]
    assert 340 < sum(sizes) / len(sizes) < 460


@pytest.mark.parametrize("case", EDGE_CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_every_edge_case_applies_to_some_document_and_encodes(kind: str, case) -> None:  # noqa: ANN001
    random, applied = Random(1), 0  # noqa: S311 - repeatable, not secret
    for document in documents(kind, 20, 1, edge_cases=0):
        before = encode(document)
        applied += case(document, random)
        after = encode(document)
        assert decode(after)["_id"] == decode(before)["_id"]
    assert applied


def test_a_document_without_fields_survives_bending() -> None:
    document = {"_id": 1}
    for seed in range(50):
        bend(document, Random(seed))  # noqa: S311 - repeatable, not secret
    assert document == {"_id": 1}


def test_ids_are_unique_ascend_and_give_their_index_back() -> None:
    indexes = [*range(3000), 2**24 - 1, 2**24, 2**24 + 1, 123_456_789]
    ids = [object_id("users", 9, index) for index in indexes]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)
    assert [index_of(one, "users", 9) for one in ids] == indexes
    assert index_of(ids[0], "users", 10) is None
    assert index_of(ids[0], "orders", 9) is None
    assert index_of("text", "users", 9) is None


def test_orders_belong_to_users_of_the_same_seed() -> None:
    users = {document["_id"] for document in documents("users", 1000, 5)}
    customers = Counter(order["customer_id"] for order in documents("orders", 500, 5, edge_cases=0))
    assert set(customers) <= users
    assert len(customers) > 300


def test_an_unknown_kind_names_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(UserError) as caught:
        documents("user", 1, 1)
    assert "did you mean `users`?" in caught.value.remedy
    assert "orders" in caught.value.remedy
