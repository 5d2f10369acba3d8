"""What the tests of reconciliations share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.nursery import Nursery


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Starts `oplake` processes in milliseconds."""
    with Nursery() as one:
        yield one
