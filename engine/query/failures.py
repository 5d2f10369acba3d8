"""DuckDB's errors as ours: its message, the place with a caret, and what might be meant."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import duckdb
import pyarrow as pa

from engine.errors import QueryError

_OUT_OF_MEMORY = "Out of Memory"
_NO_COLUMN = "COLUMN_NOT_FOUND"
_MAX_MESSAGE_LINES = 4
_INTERRUPT = "INTERRUPT"
_ATTEMPTS = 3
_TOLD = (duckdb.Error, pa.ArrowException, OSError)
"""How DuckDB's failures reach us: from a statement, and from a stream of its rows."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What DuckDB says under ``errors_as_json``; ``position`` counts bytes of the statement's UTF-8."""

    kind: str
    message: str
    position: int | None
    details: dict[str, Any]

    @property
    def is_interrupt(self) -> bool:
        """Whether DuckDB was told to stop, by us or by another of its threads."""
        return self.kind.upper() == _INTERRUPT


def read_failure(error: Exception) -> Failure:
    """Take an error of DuckDB apart, whether it came from a statement or from a stream of rows."""
    text = str(error)
    kind, brace, body = text.partition("{")
    if brace:
        try:
            details = json.loads(brace + body)
            position = int(details["position"]) if "position" in details else None
            return Failure(details["exception_type"], details["exception_message"], position, details)
        except (ValueError, KeyError):  # a message that merely holds a brace
            pass
    return Failure(kind.partition(" Error")[0] if not brace else "", text, None, {})


def with_cause(
    rows: Iterable[pa.RecordBatch], again: Callable[[], Iterable[pa.RecordBatch]]
) -> Iterator[pa.RecordBatch]:
    """The rows of a statement; where DuckDB tells only that it was interrupted, what interrupted it.

    When one of its threads fails, it stops the others, and now and then (once in 60 times, DuckDB 1.5.5) tells of one
    of those. The statement is then run anew. After a deadline each attempt is interrupted at once.

    Raises:
        duckdb.Error, pyarrow.ArrowException, OSError: as DuckDB and its reader raise them.
    """
    try:
        yield from rows
    except _TOLD as error:
        if read_failure(error).is_interrupt:
            for _ in range(_ATTEMPTS):
                _raise_the_cause(again)
        raise


def _raise_the_cause(again: Callable[[], Iterable[pa.RecordBatch]]) -> None:
    try:
        for _ in again():
            pass
    except _TOLD as error:
        if not read_failure(error).is_interrupt:
            raise


@contextmanager
def located(sql: str | None, known: Callable[[], Sequence[str]] = tuple, *, offset: int = 0) -> Iterator[None]:
    """Translate DuckDB's errors.

    Args:
        sql: the user's statement, which the errors are about; None for SQL of our own.
        known: lists the views there could be.
        offset: bytes that were put before the statement.

    Raises:
        QueryError: says what, where (line and column, with a caret) and what to try.
    """
    try:
        yield
    except _TOLD as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _translated(read_failure(error), sql, known, offset) from error


def _translated(failure: Failure, sql: str | None, known: Callable[[], Sequence[str]], offset: int) -> QueryError:
    what = "\n".join(failure.message.strip().splitlines()[:_MAX_MESSAGE_LINES])
    if failure.details.get("type") == "Table":
        what = f"there is no table {failure.details.get('name')!r}"
    if failure.kind == _OUT_OF_MEMORY or failure.details.get("error_subtype") == _NO_COLUMN:
        what = what.partition("\n")[0]
    if failure.kind == _OUT_OF_MEMORY:
        what = f"out of memory: {what}"
    where = ""
    if failure.position is not None and sql is not None:
        line, column, snippet = _place(sql, failure.position - offset)
        where, what = f"line {line}, column {column}", f"{what}\n{snippet}"
    return QueryError(what, where=where, remedy=_remedy(failure, known))


def _place(sql: str, position: int) -> tuple[int, int, str]:
    """Line and column (both from 1) of a byte, and the line with a caret under the character."""
    before = sql.encode()[:position].decode(errors="ignore")
    line = before.count("\n")
    start = before.rfind("\n") + 1
    column = len(before) - start
    text = (sql.splitlines() or [""])[min(line, len(sql.splitlines()) - 1)]
    margin = f"  {line + 1} | "
    pad = "".join("\t" if character == "\t" else " " for character in text[:column])
    return line + 1, column + 1, f"{margin}{text}\n{' ' * (len(margin) - 2)}| {pad}^"


def _remedy(failure: Failure, known: Callable[[], Sequence[str]]) -> str:
    if failure.details.get("type") == "Table":
        return suggest(str(failure.details.get("name", "")), known())
    if failure.kind == _OUT_OF_MEMORY:
        return "raise --memory-limit, or read fewer rows and columns"
    candidates = str(failure.details.get("candidates", ""))
    if failure.details.get("error_subtype") == _NO_COLUMN and candidates:
        return f"columns that look alike: {', '.join(candidates.split(','))}"
    if "FileNotFound" in failure.message or "No such file" in failure.message:
        return "files of that version may have been vacuumed: query a later version"
    return ""


def suggest(name: str, known: Sequence[str]) -> str:
    """The nearest of the known names, and all of them."""
    if not known:
        return "the lake has no tables yet: `oplake apply`, then `oplake run`"
    near = get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"{hint}there are {', '.join(known)}"
