"""The saved queries of a project: found by name, and checked as statements before anybody runs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import duckdb

from engine.errors import QueryError, UsageError
from engine.query.session import open_parser
from engine.query.statement import parse_statement
from engine.spec.diagnostics import Diagnostic, SpecError, did_you_mean
from engine.spec.project import Project
from engine.spec.saved_query import SavedQuery


def saved_query(project: Project, name: str) -> SavedQuery:
    """The saved query of this name.

    Raises:
        UsageError: there is none.
    """
    found = project.queries.get(name)
    if found is None:
        known = sorted(project.queries)
        remedy = did_you_mean(name, known) if known else f"write one: specs/queries/{name}.yaml with `query` and `sql`"
        raise UsageError(f"there is no saved query {name!r}", where="--saved", remedy=remedy)
    return found


def check_saved(project: Project) -> None:
    """Parse every saved query as ``oplake query`` would; which tables there are is not asked.

    Raises:
        SpecError: with one problem a statement that is refused.
    """
    if not project.queries:
        return
    with closing(open_parser()) as connection:
        problems = list(_problems(connection, project))
    if problems:
        raise SpecError(problems)


def _problems(connection: duckdb.DuckDBPyConnection, project: Project) -> Iterator[Diagnostic]:
    for name, saved in project.queries.items():
        try:
            parse_statement(connection, saved.sql)
        except QueryError as error:
            what = error.what.partition("\n")[0]
            place = f" ({error.where} of the statement)" if error.where else ""
            yield project.trees[f"query {name}"].diagnostic(("sql",), "bad-query", f"{what}{place}", error.remedy)
