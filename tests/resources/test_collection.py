"""Which collections a pipeline means, and what a sample of one tells."""

from __future__ import annotations

import bson
from bson import Decimal128, Int64

from engine.resources.collection import match
from engine.resources.mongodb_view import type_counts
from engine.spec.pipeline import Pipeline


def pipeline(*collections: str) -> Pipeline:
    return Pipeline.model_validate({"pipeline": "p", "source": {"collections": list(collections)}})


def test_a_name_counts_even_when_the_collection_is_not_there() -> None:
    found = match(pipeline("shop.orders"), (), ())
    assert (found.namespaces, found.missing) == (("shop.orders",), ("shop.orders",))


def test_a_wildcard_counts_what_is_there() -> None:
    found = match(pipeline("shop.*"), ("shop.a", "shop.b", "other.c"), ())
    assert (found.namespaces, found.missing, found.unmatched) == (("shop.a", "shop.b"), (), ())


def test_a_collection_that_was_dropped_keeps_its_tables() -> None:
    found = match(pipeline("shop.*"), ("shop.a",), ("shop.b", "elsewhere.c"))
    assert (found.namespaces, found.missing) == (("shop.a", "shop.b"), ("shop.b",))


def test_a_wildcard_that_matches_nothing_is_told() -> None:
    assert match(pipeline("shop.*", "x.y"), (), ()).unmatched == ("shop.*",)


def test_the_types_of_a_field_are_counted_where_they_differ() -> None:
    documents = [
        bson.encode({"depth": 1, "lines": [{"n": 1}, {"n": "x"}]}),
        bson.encode({"depth": "deep", "lines": [{"n": Int64(2)}]}),
        bson.encode({"depth": None, "price": Decimal128("1")}),
        bson.encode({"depth": [1.5], "price": Decimal128("2")}),
    ]
    assert type_counts(documents, ["depth", "lines.n", "price"]) == {
        "depth": {"int32": 1, "string": 1, "array": 1},
        "lines.n": {"int32": 1, "string": 1, "int64": 1},
    }
