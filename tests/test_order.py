"""The long files of the suite begin first."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.order import LONG, TESTS, long_files, longest_first


def test_every_long_file_is_there_and_named_once() -> None:
    assert [name for name in LONG if not (TESTS / name).is_file()] == []
    assert len(set(LONG)) == len(LONG)


def test_the_longest_file_begins_and_the_tests_of_a_file_keep_their_order() -> None:
    items: list[Any] = [
        SimpleNamespace(name=number, path=TESTS / name)
        for number, name in enumerate(["api/test_page.py", LONG[1], LONG[1], "api/test_page.py", LONG[0], "zoo.py"])
    ]

    longest_first(items)

    assert [item.name for item in items] == [4, 1, 2, 0, 3, 5]


def test_the_times_of_a_run_tell_the_long_files(tmp_path: Path) -> None:
    cases = "".join(
        f'<testcase file="tests/{name}" name="t" time="{seconds}" />'
        for name, seconds in [
            ("cli/test_stack.py", 20.5),
            ("test_order.py", 30),
            ("cli/test_stack.py", 20.5),
            ("api/test_page.py", 24.9),
        ]
    )
    (tmp_path / "suite.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")

    assert long_files(tmp_path / "suite.xml") == [(41.0, "cli/test_stack.py"), (30.0, "test_order.py")]
