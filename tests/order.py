"""Which files of the suite take long: they begin first, so that at the end no worker is left alone with one.

``python -m tests.order`` lists them from the last ``make test``, for ``LONG``.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

TESTS = Path(__file__).parent
TIMES = TESTS.parent / ".pytest_cache" / "suite.xml"
"""What ``make test`` leaves: each test with its seconds."""
LONG_S = 25.0
LONG = (
    "chaos/test_chaos.py",
    "faults/test_crash_points.py",
    "transport/test_connectors.py",
    "faults/test_kills_current.py",
    "faults/test_kills_history.py",
    "cli/test_stack.py",
    "decode/test_round_trip.py",
    "stack/test_kafka.py",
    "kafka/test_kafka_processes.py",
    "packaging/test_wheel.py",
    "kafka/test_kafka_end_to_end.py",
    "kafka/test_kafka_kills.py",
    "reconcile/test_kills.py",
    "api/test_jobs.py",
    "kafka/test_kafka_reconcile.py",
    "vault/test_rotation.py",
    "kafka/test_dead_letters.py",
    "lake/test_documents_survive_the_lake.py",
    "demo/test_demo.py",
    "kafka/test_kafka_run.py",
    "lake/test_fold_properties.py",
    "kafka/test_kafka_workers.py",
    "faults/test_full_disk.py",
    "planner/test_crashes.py",
    "kafka/test_kafka_guarded.py",
)
"""The longest first. A file that is missing here costs time only when it is long and its name is late."""


def longest_first(items: list[pytest.Item]) -> None:
    """Put the tests of those files before all others; the tests of a file stay together, in their order."""
    places = {TESTS / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


def long_files(times: Path) -> list[tuple[float, str]]:
    """(seconds, file) of the files that take ``LONG_S`` or more, the longest first.

    Args:
        times: what ``pytest --junit-xml`` has written, in the family xunit1, which names the files.
    """
    seconds: Counter[str] = Counter()
    for case in ElementTree.parse(times).iter("testcase"):  # noqa: S314 - our own file
        seconds[case.attrib["file"].removeprefix("tests/")] += float(case.attrib["time"])  # type: ignore[assignment]
    return [(took, name) for name, took in seconds.most_common() if took >= LONG_S]


if __name__ == "__main__":
    for took, name in long_files(TIMES):
        sys.stdout.write(f'    "{name}",  # {took:.0f} s\n')
