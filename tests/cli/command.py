"""Runs the command line inside the test's process, exactly as a shell would see it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.cli.main import main


@dataclass(frozen=True)
class Result:
    """What a command left: its exit code and its two streams."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """``oplake`` in a project folder."""

    project: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Result:
        self.monkeypatch.setattr("sys.argv", ["oplake", *arguments, "--project", str(self.project)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self.capsys.readouterr()
        return Result(int(ended.value.code or 0), out, err)
