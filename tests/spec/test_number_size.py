"""Numbers too long for Python to print are problems of a spec, not of the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.spec.diagnostics import SpecError
from engine.spec.project import load_project

PLACES = {"a choice": "table: {mode: %s}", "a bound": "batch: {max_rows: %s}", "a name": "target: %s"}
NUMBERS = {"decimal": "9" * 60_000, "hexadecimal": "0x" + "f" * 60_000, "octal": "0o" + "7" * 60_000}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_a_number_of_many_digits_is_reported_where_it_stands(tmp_path: Path, place: str, number: str) -> None:
    path = tmp_path / "specs" / "pipelines" / "users.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"pipeline: users\nsource: {{collections: [shop.users]}}\n{place % number}\n")
    with pytest.raises(SpecError) as caught:
        load_project(tmp_path)
    found = [diagnostic for diagnostic in caught.value.diagnostics if diagnostic.span.line == 3]
    assert found
    assert all(len(diagnostic.message) < 500 for diagnostic in found)
