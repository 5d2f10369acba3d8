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
