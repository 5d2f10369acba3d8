"""How values look as text and as JSON."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import QueryError
from engine.query.cells import json_texts, plain_texts
from engine.query.moments import date_text, interval_text, timestamp_text


def column(sql: str) -> pa.Array:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        table = connection.execute(f"select {sql} as x").to_arrow_table()
    return table.column(0).combine_chunks()


@pytest.mark.parametrize(
    ("sql", "plain", "as_json"),
    [
        ("null", None, "null"),
        ("1", "1", "1"),
        ("9223372036854775807", "9223372036854775807", "9223372036854775807"),
        ("sum(1::bigint)", "1", "1"),
        ("170141183460469231731687303715884105727::hugeint", str(2**127 - 1), str(2**127 - 1)),
        ("1.50::decimal(38, 10)", "1.5000000000", '"1.5000000000"'),
        ("0.0000001::decimal(38, 10)", "0.0000001000", '"0.0000001000"'),
        ("0.1::double", "0.1", "0.1"),
        ("0.1::float", "0.1", "0.1"),
        ("1e300::double", "1e+300", "1e+300"),
        ("'nan'::double", "NaN", '"NaN"'),
        ("'inf'::float", "Infinity", '"Infinity"'),
        ("'-inf'::double", "-Infinity", '"-Infinity"'),
        ("'-0.0'::double", "-0.0", "-0.0"),
        ("true", "true", "true"),
        ("'Zoë \"q\"\n'", 'Zoë "q"\n', '"Zoë \\"q\\"\\n"'),
        ("''", "", '""'),
        ("'\\xff\\x00'::blob", "/wA=", '"/wA="'),
        ("date '2024-02-29'", "2024-02-29", '"2024-02-29"'),
        ("date '0001-01-01'", "0001-01-01", '"0001-01-01"'),
        ("date '12024-12-31'", "+012024-12-31", '"+012024-12-31"'),
        ("'infinity'::date", "infinity", '"infinity"'),
        ("timestamptz '2024-01-01 00:00:00Z'", "2024-01-01T00:00:00Z", '"2024-01-01T00:00:00Z"'),
        ("timestamptz '2024-01-01 02:00:00.5+02'", "2024-01-01T00:00:00.500000Z", None),
        ("timestamp '1969-12-31 23:59:59.999999'", "1969-12-31T23:59:59.999999", None),
        ("timestamp_ns '2024-01-01 00:00:00.123456789'", "2024-01-01T00:00:00.123456789", None),
        ("'-infinity'::timestamp", "-infinity", '"-infinity"'),
        ("time '10:00:00.25'", "10:00:00.250000", '"10:00:00.250000"'),
        ("interval '1 month 2 days 3.5 seconds'", "P1M2DT3.5S", '"P1M2DT3.5S"'),
        ("interval '0 days'", "PT0S", '"PT0S"'),
        ("'a'::enum('a', 'b')", "a", '"a"'),
        ("'d9428888-122b-11e1-b85c-61cd3cbb3210'::uuid", "d9428888-122b-11e1-b85c-61cd3cbb3210", None),
        ("[1, null, 3]", "[1, null, 3]", "[1, null, 3]"),
        ("[]::int[]", "[]", "[]"),
        ("[1, 2]::int[2]", "[1, 2]", "[1, 2]"),
        ("{'a': 1, 'b': {'c': [date '2024-01-01']}}", '{"a": 1, "b": {"c": ["2024-01-01"]}}', None),
        ("null::struct(a int)", None, "null"),
        ("map {'k \"1\"': 1.5::double, 'l': null}", '{"k \\"1\\"": 1.5, "l": null}', None),
        ("map {1: [2]}", '{"1": [2]}', None),
    ],
)
def test_each_type_has_one_text_and_one_json(sql: str, plain: str | None, as_json: str | None) -> None:
    found = column(sql)
    assert plain_texts(found) == [plain]
    wanted = as_json if as_json is not None else (plain if plain and plain[0] in "[{" else json.dumps(plain))
    assert json_texts(found) == [wanted]
    json.loads(wanted)


@pytest.mark.parametrize("sql", ["union_value(k := 1)", "[union_value(k := 1)]", "1::bignum"])
def test_a_type_without_text_is_refused_with_the_cast_that_helps(sql: str) -> None:
    with pytest.raises(QueryError, match="cannot be written as text") as caught:
        plain_texts(column(sql))
    assert "CAST" in caught.value.remedy


MEMBERS = st.fixed_dictionaries({"a": st.none() | st.integers(-9, 9), "b": st.lists(st.text())})
MAPS = st.dictionaries(st.text(), st.none() | st.booleans(), max_size=3)


@given(st.lists(st.lists(st.none() | MEMBERS)))
def test_nested_values_read_back_as_they_were(rows: list[Any]) -> None:
    kind = pa.list_(pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]))
    array = pa.array(rows, kind)
    assert [json.loads(text) for text in json_texts(array)] == rows
    assert [json.loads(text) for text in json_texts(array.slice(len(rows) // 2))] == rows[len(rows) // 2 :]


@given(st.lists(st.none() | MAPS, max_size=6), st.data())
def test_slices_of_maps_show_their_own_members(rows: list[Any], data: st.DataObject) -> None:
    pairs = [None if row is None else list(row.items()) for row in rows]
    array = pa.array(pairs, pa.map_(pa.string(), pa.bool_()))
    start = data.draw(st.integers(0, len(rows)))
    assert [json.loads(text) for text in json_texts(array.slice(start))] == rows[start:]


@given(st.dates())
def test_dates_are_iso_8601(date: Any) -> None:  # noqa: ANN401
    assert date_text(date.toordinal() - 719_163) == date.isoformat()


def test_years_outside_four_digits_have_a_sign() -> None:
    assert date_text(-719_529) == "-000001-12-31"
    assert date_text(-719_528) == "0000-01-01"
    assert date_text(2_932_897) == "+010000-01-01"
    assert timestamp_text(253_402_300_800_000_000, "us") == "+010000-01-01T00:00:00"


def test_long_intervals_keep_every_nanosecond() -> None:
    assert interval_text(0, 0, -(2**62)) == "PT-4611686018.427387904S"
    assert interval_text(14, -3, 0) == "P14M-3D"
