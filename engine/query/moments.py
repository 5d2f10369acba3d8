"""Dates and times as ISO 8601 text, beyond the years that Python's ``datetime`` knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

Unit = Literal["s", "ms", "us", "ns"]

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_DAY_SECONDS = 86_400
_MAX_INT32, _MAX_INT64 = 2**31 - 1, 2**63 - 1
_YEAR_ONE, _DAYS_400_YEARS = -719_162, 146_097
"""Days from 1970-01-01 to 0001-01-01; days of the calendar's cycle."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def date_text(days: int) -> str:
    """Days since 1970-01-01, in the proleptic Gregorian calendar; DuckDB's two infinities as words."""
    if abs(days) == _MAX_INT32:
        return "infinity" if days > 0 else "-infinity"
    cycles, within = divmod(days - _YEAR_ONE, _DAYS_400_YEARS)
    day = _EPOCH + timedelta(days=within + _YEAR_ONE)
    return f"{_year_text(day.year + 400 * cycles)}-{day:%m-%d}"


def timestamp_text(value: int, unit: Unit) -> str:
    """Units since 1970-01-01T00:00; a fraction of a second only where there is one."""
    if abs(value) == _MAX_INT64:
        return "infinity" if value > 0 else "-infinity"
    days, rest = divmod(value, _DAY_SECONDS * _PER_SECOND[unit])
    return f"{date_text(days)}T{time_text(rest, unit)}"


def time_text(value: int, unit: Unit) -> str:
    """Units since midnight."""
    seconds, fraction = divmod(value, _PER_SECOND[unit])
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{fraction:0{_DIGITS[unit]}d}" if fraction else text


def interval_text(months: int, days: int, nanoseconds: int) -> str:
    """An ISO 8601 duration, as in ``P1M2DT3.5S``."""
    whole, fraction = divmod(abs(nanoseconds), 10**9)
    seconds = f"{'-' * (nanoseconds < 0)}{whole}.{fraction:09d}".rstrip("0").rstrip(".")
    parts = f"{months}M" * bool(months) + f"{days}D" * bool(days) + f"T{seconds}S" * bool(nanoseconds)
    return f"P{parts or 'T0S'}"


def _year_text(year: int) -> str:
    """Four digits; more, and years before 0, with a sign as ISO 8601 has it."""
    if 0 <= year <= 9999:  # noqa: PLR2004 - what four digits hold
        return f"{year:04d}"
    return f"{'-' if year < 0 else '+'}{abs(year):06d}"
