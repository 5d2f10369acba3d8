"""Rows for people: a table as wide as the terminal, or a list of fields where it would not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

import pyarrow as pa
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from engine.query.cells import Texts, plain_texts
from engine.query.run import Rows

_NULL = Text("null", style="dim italic")
_LEAST_WIDTH = 9
"""A column narrower than this cannot be read."""
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {9: "\\t", 10: "\\n", 13: "\\r"}
"""What a terminal would act on instead of showing it."""


def write_table(rows: Rows, out: TextIO, max_rows: int, *, width: int | None = None) -> None:
    """Write the first ``max_rows`` rows and say whether there are more.

    Args:
        width: of the terminal in characters; None finds out.

    Raises:
        QueryError: the query fails on the way, or a column's type has no text.
    """
    found, has_more = _first(rows, max_rows)
    columns = [_texts(column) for column in found.columns]
    names = [name.translate(_CONTROL) for name in rows.schema.names]
    console = Console(file=out, width=width, highlight=False, soft_wrap=False)
    count = found.num_rows
    note = f"{count:,} row{'' if count == 1 else 's'}"
    if has_more:
        note = f"the first {count:,} rows; --max-rows N shows more, --format csv or json all"
    # Captured, because rich itself would end the process with 1 when nobody reads.
    with console.capture() as captured:
        if _fits(names, columns, console.width):
            console.print(_table(names, columns, rows.schema))
        else:
            _print_records(names, columns, console)
        console.print(f"({note})", style="dim")
    out.write(captured.get())


def _first(rows: Rows, count: int) -> tuple[pa.RecordBatch, bool]:
    """The first rows in one batch, and whether there are more."""
    held: list[pa.RecordBatch] = []
    for batch in rows.batches:
        held.append(batch)
        if sum(part.num_rows for part in held) > count:
            break
    table = pa.Table.from_batches(held, rows.schema)
    shown = table.slice(0, count).combine_chunks().to_batches()
    empty = pa.RecordBatch.from_pylist([], rows.schema)
    return (shown[0] if shown else empty), table.num_rows > count


def _texts(column: pa.Array) -> Texts:
    return [None if text is None else text.translate(_CONTROL) for text in plain_texts(column)]


def _fits(names: Sequence[str], columns: Sequence[Texts], width: int) -> bool:
    """Whether every column gets its width, or enough to wrap into."""
    wanted = [
        min(_LEAST_WIDTH, max(map(cell_len, [name, *(text or "null" for text in texts)])))
        for name, texts in zip(names, columns, strict=True)
    ]
    return sum(wanted) + 3 * len(wanted) + 1 <= width


def _table(names: Sequence[str], columns: Sequence[Texts], schema: pa.Schema) -> Table:
    table = Table(box=box.ROUNDED, show_lines=False)
    for name, field in zip(names, schema, strict=True):
        is_number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        justify = "right" if is_number or pa.types.is_decimal(field.type) else "left"
        table.add_column(escape(name), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in zip(*columns, strict=True):
        table.add_row(*(_NULL if text is None else Text(text) for text in row))
    return table


def _print_records(names: Sequence[str], columns: Sequence[Texts], console: Console) -> None:
    """One field a line, as psql does with \\x."""
    margin = max(map(cell_len, names), default=0)
    for number, row in enumerate(zip(*columns, strict=True), start=1):
        console.rule(f"row {number}", align="left", style="dim")
        for name, text in zip(names, row, strict=True):
            line = Text(name + " " * (margin - cell_len(name) + 2), style="bold", no_wrap=False)
            line.append_text(_NULL if text is None else Text(text, style="not bold"))
            console.print(line)
