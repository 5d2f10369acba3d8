"""Numbers as people read them."""

from __future__ import annotations

_STEP = 1000
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def count(number: int, noun: str) -> str:
    """``1 file``, ``1,234 files``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(number: int) -> str:
    """Bytes in the largest decimal unit that leaves at least one: ``14.2 MB``."""
    value = float(number)
    for unit in _UNITS:
        if value < _STEP or unit == _UNITS[-1]:
            return f"{number} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= _STEP
    raise AssertionError  # the last unit always returns
