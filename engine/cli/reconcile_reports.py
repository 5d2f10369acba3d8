"""``oplake reconcile --report``: the report in the form that each file's name asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.errors import UsageError

_FORMS = (".html", ".json", ".md")


def check_names(names: Iterable[str]) -> None:
    """Before the work is done.

    Raises:
        UsageError: a name ends in none of the forms, or its folder is not there.
    """
    for name in names:
        path = Path(name)
        if path.suffix not in _FORMS or not path.parent.is_dir():
            raise UsageError(
                f"{name!r} is no file that a report can be written to",
                where="--report",
                remedy=f"name a file in a folder that is there, ending in {', '.join(_FORMS)}",
            )


def write_reports(results: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Write results as plain data (``Result.as_json``, or what is kept of them) to each file."""
    if not names:
        return
    from engine.reconcile.report import Report, report_of
    from engine.reconcile.report_markdown import markdown
    from engine.reconcile.report_page import page

    report = report_of(results)
    writers: dict[str, Callable[[Report], str]] = {".html": page, ".md": markdown, ".json": Report.to_json}
    for name in names:
        path = Path(name)
        path.write_text(writers[path.suffix](report), encoding="utf-8")
