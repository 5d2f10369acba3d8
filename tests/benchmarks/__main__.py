"""Run the benchmarks, each case in a process of its own, and print a Markdown table.

python -m tests.benchmarks                     all of them (about ten minutes)
python -m tests.benchmarks --only "decode"     those whose name holds the text
python -m tests.benchmarks --out FILE          write the report to a file as well
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks import append, debezium, decode, end_to_end, fingerprint, fold, reconcile, start
from tests.benchmarks.measurement import Measurement, peak_bytes
from tests.benchmarks.report import report

CASES: dict[str, tuple[Any, ...]] = {
    **decode.CASES,
    **fingerprint.CASES,
    **debezium.CASES,
    **append.CASES,
    **fold.CASES,
    **end_to_end.CASES,
    **reconcile.CASES,
    **start.CASES,
}


def main() -> int:
    """0 when every target is met, 1 otherwise."""
    commands: dict[str, Callable[[list[str]], int]] = {"case": run_case, "prepare-fold": prepare_fold}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if len(sys.argv) > 1 and sys.argv[1] in commands:
        return commands[sys.argv[1]](sys.argv[2:])
    parser = argparse.ArgumentParser(prog="make bench", description="Measure oplake on this machine.")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--out", type=Path, help="write the report to this file as well")
    options = parser.parse_args()
    text, met = report(measure_all([name for name in CASES if options.only in name]))
    print(text)
    if options.out:
        options.out.write_text(text)
    return 0 if met else 1


def measure_all(names: list[str]) -> list[Measurement]:
    """One after the other; the progress goes to stderr."""
    found = []
    for number, name in enumerate(names, 1):
        started = time.monotonic()
        print(f"[{number}/{len(names)}] {name} ...", end=" ", file=sys.stderr, flush=True)
        found.append(_measure(name))
        rate = f"{found[-1].rows_per_s:,.0f}/s"
        print(f"{rate} ({time.monotonic() - started:.0f} s with set-up)", file=sys.stderr)
    return found


def _measure(name: str) -> Measurement:
    """One case in a process of its own, which is given time to clean up when we are told to stop."""
    command = [sys.executable, "-m", "tests.benchmarks", "case", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            answer, _ = process.communicate()
        finally:
            process.terminate()
    if process.returncode:
        raise SystemExit(f"the case {name!r} failed")
    return Measurement(**json.loads(answer.splitlines()[-1]))


def run_case(arguments: list[str]) -> int:
    """Measure one case in this process and print it as JSON."""
    function, *parameters = CASES[arguments[0]]
    measurement = function(*parameters)
    peak = measurement.peak_bytes or peak_bytes()
    print(json.dumps(dataclasses.asdict(dataclasses.replace(measurement, peak_bytes=peak))))
    return 0


def prepare_fold(arguments: list[str]) -> int:
    """Make the tables that a case of folding starts from."""
    fold.prepare(Path(arguments[0]), int(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
