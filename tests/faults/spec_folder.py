"""A folder of specs, and real `oplake` processes that work on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tests.faults.nursery import Nursery
from tests.faults.running import PATIENCE_S, Running

OPLAKE = str(Path(sys.executable).with_name("oplake"))


class SpecFolder:
    """What every project has, whatever its specs say."""

    folder: Path
    patience_s: ClassVar[float] = PATIENCE_S
    """How long a command may take."""

    def write_specs(self, texts: Mapping[str, str]) -> None:
        """Write specs; ``texts`` holds them by their path, as in ``targets/local``."""
        for path, text in texts.items():
            spec = self.folder / f"specs/{path}.yaml"
            spec.parent.mkdir(parents=True, exist_ok=True)
            spec.write_text(text)

    def start(
        self,
        *words: str,
        nursery: Nursery | None = None,
        patch: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Running:
        """Start `oplake WORDS` on this project; from a nursery when one is given.

        Args:
            patch: makes the process wrong on purpose (``patches``); only from a nursery.
        """
        command = [*words, "--project", str(self.folder)]
        if nursery is not None:
            return Running(nursery.start(command, environment or {}, patch))
        process = subprocess.Popen(
            [OPLAKE, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            text=True,
        )
        return Running(process)

    def finish(self, *words: str, nursery: Nursery | None = None) -> Running:
        """Run `oplake WORDS` to its end; fails unless that is a good one."""
        running = self.start(*words, nursery=nursery)
        assert running.wait(self.patience_s) == 0, running.text
        return running

    def catch_up(self, nursery: Nursery | None = None) -> Running:
        """Read all there is, and fold it."""
        return self.finish("run", "--until-caught-up", nursery=nursery)
