"""What is wrong with a spec, and exactly where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import UserError


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one line of a file; line and column count from 1."""

    file: str
    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: where, which rule (docs/checks.md), what, and how to put it right."""

    span: Span
    rule: str
    message: str
    suggestion: str = ""
    snippet: str = ""
    """The text of the line, without its newline."""

    def heading(self) -> str:
        """``file:line:column: error[rule] message``."""
        place = f"{self.span.file}:{self.span.line}:{self.span.column}"
        return f"{place}: error[{self.rule}] {self.message}"


class SpecError(UserError):
    """The specs are wrong; carries every problem of every file, in file order."""

    code = "spec-invalid"

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda found: (found.span, found.rule)))
        count = len(self.diagnostics)
        headings = "\n".join(found.heading() for found in self.diagnostics)
        super().__init__(
            f"{count} problem{'s' * (count != 1)} in the specs\n{headings}",
            remedy="`oplake validate` shows each with its line and a suggestion",
        )


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """``did you mean 'x'?`` for a near miss, else what is known."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{by_folded[close[0]]}`?"
    return f"known here: {', '.join(known)}" if known else ""
