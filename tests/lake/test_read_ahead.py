from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from engine.lake.read_ahead import ReadAhead


def test_parts_come_in_order_and_the_next_is_read_while_one_is_in_hand() -> None:
    second_is_read = threading.Event()

    def parts() -> Iterator[int]:
        yield 1
        second_is_read.set()
        yield 2

    ahead = ReadAhead(parts())
    assert next(ahead) == 1
    assert second_is_read.wait(10), "nobody asked for it yet"
    assert list(ahead) == [2]
    ahead.close()


def test_the_error_that_ended_the_parts_is_kept() -> None:
    def parts() -> Iterator[int]:
        yield 1
        raise LookupError("gone")

    ahead = ReadAhead(parts())
    assert next(ahead) == 1
    with pytest.raises(LookupError, match="gone"):
        next(ahead)
    assert isinstance(ahead.error, LookupError)
    ahead.close()


def test_closing_leaves_no_thread_behind() -> None:
    ahead = ReadAhead(iter(range(5)))
    assert next(ahead) == 0
    ahead.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("read-ahead")]
