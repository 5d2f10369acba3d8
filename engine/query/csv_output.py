"""Rows as CSV after RFC 4180."""

from __future__ import annotations

import re
from typing import TextIO

from engine.query.cells import plain_texts
from engine.query.run import Rows

_NEEDS_QUOTES = re.compile(r'[",\r\n]')


def write_csv(rows: Rows, out: TextIO) -> None:
    """Write a header and the rows: CRLF ends a line, null is an empty field, an empty text is ``""``.

    Raises:
        QueryError: the query fails on the way, or a column's type has no text.
    """
    out.write(_line(rows.schema.names))
    for batch in rows.batches:
        columns = [plain_texts(column) for column in batch.columns]
        out.writelines(_line(row) for row in zip(*columns, strict=True))


def _line(fields: list[str] | tuple[str | None, ...]) -> str:
    return ",".join(map(_field, fields)) + "\r\n"


def _field(text: str | None) -> str:
    if text is None:
        return ""
    if text and not _NEEDS_QUOTES.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
