"""What the audience sees: chapters, commands, remarks and verdicts."""

from __future__ import annotations

import sys
import textwrap

from engine.cli.paint import Painter

WIDTH = 100


class DemoFailed(Exception):
    """Something was not as promised; the text says what."""


class Screen:
    """Prints to standard output, in colours on a terminal, and counts what was checked."""

    def __init__(self) -> None:
        self._paint = Painter.for_stream(sys.stdout)
        self._chapter = 0
        self.checked: list[str] = []

    def chapter(self, title: str, remark: str) -> None:
        """Begin a new part."""
        self._chapter += 1
        print(f"\n{self._paint.bold(f'{self._chapter}. {title}')}")
        self.say(remark)

    def say(self, remark: str) -> None:
        """A sentence or two of explanation."""
        for line in textwrap.wrap(textwrap.dedent(remark), WIDTH):
            print(f"   {self._paint.dim(line)}")
        sys.stdout.flush()

    def command(self, text: str) -> None:
        """A command line, before it runs."""
        print(f"\n   {self._paint.green('$')} {self._paint.bold(text)}", flush=True)

    def output(self, text: str) -> None:
        """What a command printed, indented."""
        print(textwrap.indent(text.rstrip("\n"), "   "), flush=True)

    def check(self, promise: str, problems: list[str]) -> None:
        """State that a promise holds.

        Raises:
            DemoFailed: it does not.
        """
        if problems:
            raise DemoFailed(f"{promise}: " + "; ".join(problems[:5]))
        self.checked.append(promise)
        print(f"   {self._paint.green('[checked]')} {promise}", flush=True)
