from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from engine.lake.sorted_texts import SortedTexts

TEXTS = st.text(alphabet="ab\x00\x7f\u00e9\ud7ff\U0001f600\U0010ffff", max_size=3)


@given(st.sets(TEXTS), st.lists(st.none() | TEXTS))
def test_texts_are_found_where_they_stand_and_no_others(known: set[str], asked: list[str | None]) -> None:
    ordered = sorted(known)
    texts = SortedTexts(pa.array(ordered, pa.string()))
    column = pa.chunked_array([pa.array(asked, pa.string())])
    places = [ordered.index(text) if text in known else None for text in asked]
    assert texts.places_of(column).to_pylist() == places
    assert texts.has(column).to_pylist() == [text in known for text in asked]


@given(st.lists(st.none() | st.integers(-1, 101), max_size=6))
def test_few_texts_are_found_among_many_however_often_they_are_asked_for(asked: list[int | None]) -> None:
    known = range(0, 100, 2)
    texts = SortedTexts(pa.array([f"{number:04}" for number in known]))
    column = pa.chunked_array(
        [pa.array([], pa.string()), pa.array([None if one is None else f"{one:04}" for one in asked], pa.string())]
    )
    places = [None if one is None or one not in known else one // 2 for one in asked]
    assert texts.places_of(column).to_pylist() == places
    assert texts.has(column).to_pylist() == [place is not None for place in places]
