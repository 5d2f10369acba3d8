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
    "reconcile/test_reconcile.py",
    "faults/test_kills_current.py",
    "faults/test_crash_points.py",
    "transport/test_connectors.py",
    "faults/test_kills_history.py",
    "cli/test_stack.py",
    "decode/test_round_trip.py",
    "stack/test_kafka.py",
    "reconcile/test_repair.py",
    "kafka/test_kafka_processes.py",
    "kafka/test_kafka_end_to_end.py",
    "packaging/test_wheel.py",
    "kafka/test_kafka_kills.py",
    "kafka/test_kafka_reconcile.py",
    "lake/test_documents_survive_the_lake.py",
    "kafka/test_dead_letters.py",
    "demo/test_demo.py",
    "api/test_jobs.py",
    "kafka/test_kafka_run.py",
    "reconcile/test_ray.py",
    "lake/test_fold_properties.py",
    "kafka/test_kafka_workers.py",
    "faults/test_full_disk.py",
    "decode/test_bson_columns.py",
    "planner/test_crashes.py",
    "kafka/test_kafka_guarded.py",
    "api/test_page.py",
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
