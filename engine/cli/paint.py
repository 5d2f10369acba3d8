"""Colours, only where somebody sees them: on a terminal, unless NO_COLOR is set and not empty (no-color.org)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Painter:
    """Wraps text in terminal colours, or leaves it alone."""

    enabled: bool

    @classmethod
    def for_stream(cls, stream: TextIO) -> Painter:
        """Colours when the stream is a terminal that shows them."""
        is_wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(is_wanted and stream.isatty())

    def red(self, text: str) -> str:
        """For errors and deletions."""
        return self._wrap("31", text)

    def green(self, text: str) -> str:
        """For what is new."""
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        """For changes and warnings."""
        return self._wrap("33", text)

    def blue(self, text: str) -> str:
        """For line numbers and gutters."""
        return self._wrap("34", text)

    def bold(self, text: str) -> str:
        """For headings."""
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        """For what matters less."""
        return self._wrap("2", text)

    def _wrap(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.enabled else text
