"""Rows as one JSON array of objects, one object a line."""

from __future__ import annotations

import json
from collections import Counter
from typing import TextIO

from engine.errors import QueryError
from engine.query.cells import json_texts, plain_texts
from engine.query.run import Rows


def write_json(rows: Rows, out: TextIO) -> None:
    """Write the rows; ``cells.py`` says how values look. Columns of DuckDB's JSON type are embedded as they are.

    Raises:
        QueryError: two columns have one name, the query fails on the way, or a column's type has no JSON.
    """
    check_names(rows.schema.names)
    names = [json.dumps(name, ensure_ascii=False) for name in rows.schema.names]
    separator = "[\n"
    for batch in rows.batches:
        columns = [
            ["null" if text is None else text for text in plain_texts(column)]
            if place in rows.json_columns
            else json_texts(column)
            for place, column in enumerate(batch.columns)
        ]
        for row in zip(*columns, strict=True):
            members = ", ".join(f"{name}: {value}" for name, value in zip(names, row, strict=True))
            out.write(f"{separator}{{{members}}}")
            separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def check_names(names: list[str]) -> None:
    """Refuse two columns of one name, of which most readers would see one.

    Raises:
        QueryError: there are two.
    """
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise QueryError(
            f"the result has more than one column called {', '.join(twice)}",
            remedy="give them names of their own: SELECT a.x AS left_x, b.x AS right_x",
        )
