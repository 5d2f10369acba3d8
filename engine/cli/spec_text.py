"""Diagnostics of specs for people: a heading, the line, a caret and a suggestion each."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from engine.cli.paint import Painter
from engine.spec.diagnostics import Diagnostic

MAX_WIDTH = 140
"""Characters of a line that are shown; the part around the caret is chosen."""
MAX_SHOWN = 100
"""Problems that are shown one by one."""

_LEAD = 40
"""Characters kept before the caret of a line that is cut."""
_CHECKS = "docs/checks.md"


def as_text(diagnostics: Sequence[Diagnostic], paint: Painter) -> str:
    """A block for each problem, and a count."""
    if not diagnostics:
        return ""
    blocks = [_block(found, paint) for found in diagnostics[:MAX_SHOWN]]
    files = len({found.span.file for found in diagnostics})
    count = len(diagnostics)
    total = f"{count:,} problem{'s' * (count != 1)} in {files} file{'s' * (files != 1)}"
    rest = f" ({count - MAX_SHOWN:,} more are not shown)" if count > MAX_SHOWN else ""
    return "\n".join([*blocks, f"{paint.bold(total)}{rest}; {_CHECKS} explains the rules\n"])


def _block(found: Diagnostic, paint: Painter) -> str:
    rule = paint.red(f"error[{found.rule}]")
    lines = [f"{paint.bold(_printable(str(found.span)))}: {rule} {_printable(found.message)}"]
    if found.snippet.strip():
        snippet, caret = _cut(found)
        gutter = f"{found.span.line} |"
        lines.append(f"{paint.blue(gutter)} {snippet}")
        lines.append(f"{paint.blue('|'.rjust(len(gutter)))} {paint.red(caret)}")
    if found.suggestion:
        lines.append(f"  {paint.dim('help:')} {_printable(found.suggestion)}")
    return "\n".join(lines) + "\n"


def _cut(found: Diagnostic) -> tuple[str, str]:
    """The part of the line that the caret is in, and a line with carets below it."""
    line, index = found.snippet, min(found.span.column - 1, len(found.snippet))
    start = 0 if len(line) <= MAX_WIDTH else max(0, min(index - _LEAD, len(line) - MAX_WIDTH))
    end = start + MAX_WIDTH
    before, after = ("…" if start else "", "…" if end < len(line) else "")
    marked = line[index : min(index + found.span.length, end)]
    padding = " " * _width(before + line[start:index])
    return f"{before}{_printable(line[start:end])}{after}", f"{padding}{'^' * max(1, _width(marked))}"


def _printable(text: str) -> str:
    """Text that cannot steer a terminal: a character stands for each that is not printable."""
    return "".join(character if character.isprintable() else _stand_in(character) for character in text)


def _stand_in(character: str) -> str:
    return " " if character in "\t\n" else "\N{REPLACEMENT CHARACTER}"


def _width(text: str) -> int:
    """Columns of a terminal that the text takes."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
