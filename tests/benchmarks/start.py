"""What a command costs that touches no table: ``oplake WORDS`` as a process, from nothing to its end."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.end_to_end import measured
from tests.benchmarks.measurement import REPEATS, Measurement


def start(words: str) -> Measurement:
    """Processes one after the other; the first, which may have to read its modules from the disk, is not counted."""
    with tempfile.TemporaryDirectory(prefix="oplake-bench-") as name:
        measured(Path(name), "init")
        runs = [measured(Path(name), *words.split()) for _ in range(REPEATS + 1)][1:]
    return Measurement(
        f"start {words}",
        f"start, oplake {words}",
        1,
        0,
        [seconds for seconds, _ in runs],
        max(peak for _, peak in runs),
    )


CASES = {f"start {words}": (start, words) for words in ("--help", "validate")}
