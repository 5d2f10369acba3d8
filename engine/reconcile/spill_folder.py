"""Where a pass spills, and how its files are named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(".oplake", "reconcile")
"""Below the project, with a folder for each pass."""


@dataclass(frozen=True, slots=True)
class SpillFolder:
    """The files that one process writes of a pass.

    Their names carry its tenure: a process that wakes up after its pass was taken over replaces no file of the one that
    has it now, though both may see the same folder.
    """

    path: Path
    tenure: int = 1

    @classmethod
    def of(cls, root: Path, run: str, tenure: int) -> SpillFolder:
        """That of a pass of the project at ``root``."""
        return cls(root / FOLDER / run, tenure)

    def chunk(self, share: int, number: int) -> Path:
        """For the pairs of a share's chunk."""
        return self._named(f"source-{share:04d}-{number:06d}")

    def rows(self, number: int) -> Path:
        """For pairs of the table."""
        return self._named(f"table-{number:06d}")

    def merged(self, side: str, number: int) -> Path:
        """For what was in several files of a side."""
        return self._named(f"{side}-merged-{number:06d}")

    def _named(self, name: str) -> Path:
        return self.path / f"{name}-{self.tenure}.arrow"
