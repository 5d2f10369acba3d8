"""A small file system of its own that can be filled and emptied: a tmpfs, which root may mount."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

BLOCK = 4096


class SmallDisk:
    """A tmpfs at a folder while the ``with`` block runs."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self._folder, self._size_bytes = folder, size_bytes
        self._ballast = folder / "ballast"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        size = f"size={self._size_bytes}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self._folder)], check=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["umount", "--lazy", str(self._folder)], check=True)

    def fill(self, left_bytes: int) -> None:
        """Leave no more than this, in whole blocks; less when others write at the same time."""
        free = os.statvfs(self._folder).f_bavail * BLOCK
        with self._ballast.open("ab", buffering=0) as ballast, suppress(OSError):  # others may have been first
            ballast.write(bytes(max(0, free - left_bytes)))

    def empty(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)
