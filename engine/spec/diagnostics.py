"""What is wrong with a spec, and exactly where."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.errors import UserError

_MAX_WORD = 64
"""Longer words are no misspelt keys."""
_WORD = re.compile(r"[\w.$-]{1,60}")
MAX_MESSAGE = 400
"""Characters of a message: a hostile key may be as long as its file."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one line of a file; line and column count from 1, in characters."""

    file: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: where, which rule (docs/checks.md), what, and how to put it right."""

    span: Span
    rule: str
    message: str
    suggestion: str = ""
    snippet: str = ""
    """The text of the line, without its newline and with secrets hidden."""

    def heading(self) -> str:
        """``file:line:column: error[rule] message``."""
        return f"{self.span}: error[{self.rule}] {self.message}"

    def to_json(self) -> dict[str, str | int | None]:
        """For tools; all problems of specs are errors."""
        return {
            "file": self.span.file,
            "line": self.span.line,
            "column": self.span.column,
            "length": self.span.length,
            "severity": "error",
            "rule": self.rule,
            "message": self.message,
            "suggestion": self.suggestion or None,
        }

    def shown_with(self, lines: Sequence[str]) -> Diagnostic:
        """The same problem with its line out of these."""
        number = self.span.line
        return replace(self, snippet=lines[number - 1] if number <= len(lines) else "")


def is_word(key: str) -> bool:
    """Whether a key looks like one: anything else may be a value that a slip made a key, a secret even."""
    return _WORD.fullmatch(key) is not None


def clipped(message: str) -> str:
    """A message of bounded length."""
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"


class Refused(Exception):
    """A file that cannot be read any further; carries its problems, without snippets."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(found.heading() for found in diagnostics))
        self.diagnostics = diagnostics


class SpecError(UserError):
    """The specs are wrong; carries every problem of every file, in file order."""

    code = "spec-invalid"

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda found: (found.span, found.rule, found.message)))
        count = len(self.diagnostics)
        headings = "\n".join(found.heading() for found in self.diagnostics)
        super().__init__(
            f"{count} problem{'s' * (count != 1)} in the specs\n{headings}",
            remedy="`oplake validate` shows each with its line and a suggestion",
        )


def near_miss(word: str, known: Iterable[str]) -> str | None:
    """Which of the known words was probably meant."""
    return _near_miss(word.casefold(), tuple(known)) if len(word) <= _MAX_WORD else None


@lru_cache(maxsize=1024)
def _near_miss(word: str, known: tuple[str, ...]) -> str | None:
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(word, by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """``did you mean `x`?`` for a near miss, else what is known."""
    close = near_miss(word, known)
    if close is not None:
        return f"did you mean `{close}`?"
    return f"known here: {', '.join(known)}" if known else ""
