"""Which collections a pipeline means, and what a sample of one tells."""

from __future__ import annotations

import bson
from bson import Decimal128, Int64

from engine.decode.decoder import Decoder
from engine.decode.rules import rules_of
from engine.resources.collection import match
from engine.resources.mongodb_view import sample_of, type_counts
from engine.spec.pipeline import Pipeline
from tests.decode.batches import NOW, batch_of


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


def test_pinned_columns_stand_where_the_documents_have_them() -> None:
    """Else the order of the columns would tell no document's order, and every row would have to note its own."""
    pins = {"fields": {"points": {"type": "int64"}, "later": {"type": "date"}}}
    spec = Pipeline.model_validate({"pipeline": "p", "source": {"collections": ["a.b"]}, "table": pins})
    documents = [bson.encode({"_id": 1, "name": "x", "points": 3, "age": 4})]
    sample = sample_of(documents, spec)
    assert list(sample.columns.fields) == ["name", "points", "age", "later"]
    assert Decoder(rules_of(spec.table.fields, "rescue")).decode(batch_of(documents), sample.columns, NOW).table.column(
        "_rescued"
    ).to_pylist() == ['{"points":{"$numberInt":"3"}}']
    assert sample_of([], spec).columns.fields == {}


def test_a_pinned_field_that_documents_have_in_other_capitals_gets_no_column() -> None:
    """Two columns whose names differ in capitals only are one to Delta, which refuses the table."""
    pins = {"fields": {"points": {"type": "int64"}, "Points": {"type": "string"}}}
    spec = Pipeline.model_validate({"pipeline": "p", "source": {"collections": ["a.b"]}, "table": pins})
    assert list(sample_of([bson.encode({"_id": 1, "POINTS": 3})], spec).columns.fields) == ["POINTS"]
    assert list(sample_of([bson.encode({"_id": 1})], spec).columns.fields) == ["points"]


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
