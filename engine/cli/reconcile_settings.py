"""What was typed behind ``oplake reconcile``: refused where it makes no sense, else the settings of the passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.reconcile.result import Mode
    from engine.reconcile.settings import Settings

Value = TypeVar("Value")

_APART = (
    ("--list", ("--show", "--repair", "--due")),
    ("--show", ("--repair", "--due")),
    ("--due", ("--mode", "--id", "--since", "--resume")),
    ("--id", ("--mode", "--since")),
)
"""Options that each say what is to be done."""
_OF_MODE: Mapping[str, tuple[str, ...]] = {
    "full": ("--workers", "--executor", "--ray-address", "--resume", "--chunk-rows", "--max-rate"),
    "sampled": ("--confidence", "--rate"),
}
"""Options that mean something in one mode alone, or where the spec says which (``--due``)."""


def settings_of(pipelines: tuple[str, ...], options: Mapping[str, Any]) -> Settings:
    """The settings that somebody asks for.

    Raises:
        UsageError: a value cannot be read, or two options contradict each other.
    """
    from engine.reconcile.settings import Settings
    from engine.reconcile.source_scan import ChunkLimits
    from engine.spec.quantities import parse_duration, parse_size

    wait, since, rate = options["wait"], options["since"], options["max_rate"]
    mode = _mode(options)
    return Settings(
        options["project"],
        pipelines,
        options["target"],
        mode,
        [_read("--id", text, _identity) for text in options["ids"]],
        _read("--since", since, _past_time) if since is not None else None,
        options["workers"],
        options["read_preference"],
        _read("--max-rate", rate, parse_size) if rate is not None else None,
        options["resume"],
        options["due"],
        _read("--wait", wait, parse_duration).total_seconds() if wait is not None else None,
        confidence=options["confidence"],
        rate=options["rate"],
        limits=ChunkLimits(rows=options["chunk_rows"]),
        executor=options["executor"],
        ray_address=options["ray_address"],
    )


def refuse_contradictions(options: Mapping[str, Any]) -> None:
    """Before anything is looked at.

    Raises:
        UsageError: two options contradict each other, or one would do nothing.
    """
    given = _given(click.get_current_context())
    for one, others in _APART:
        for other in others:
            if {one, other} <= given:
                raise UsageError("one of the two has to be left out", where=f"{one} and {other}")
    if {"--since", "--mode"} <= given and options["mode"] != "incremental":
        raise UsageError(
            "only an incremental pass begins at a time",
            where=f"--since with --mode {options['mode']}",
            remedy="leave --mode out",
        )
    if "--ray-address" in given and options["executor"] != "ray":
        raise UsageError("nothing is asked of a cluster", where="--ray-address", remedy="add --executor ray")
    if not options["repair"] and (alone := {"--dry-run", "--yes"} & given):
        raise UsageError("nothing is repaired", where=_listed(alone), remedy="add --repair")
    if not {"--due", "--list", "--show"} & given:
        _refuse_of_other_modes(_mode(options), given)


def _refuse_of_other_modes(mode: Mode, given: Set[str]) -> None:
    for other, names in _OF_MODE.items():
        if other != mode and (useless := given & set(names)):
            asked = {"ids": "--id"}.get(mode, f"--mode {mode}")
            raise UsageError(
                f"this is for a pass with --mode {other}",
                where=f"{_listed(useless)} with {asked}",
                remedy=f"leave {asked} or {_listed(useless)} out" if mode != "full" else f"add --mode {other}",
            )


def _mode(options: Mapping[str, Any]) -> Mode:
    mode: Mode = "ids" if options["ids"] else "incremental" if options["since"] is not None else options["mode"]
    return mode


def _given(context: click.Context) -> Set[str]:
    """The options that were typed, as they are documented."""
    typed = ParameterSource.COMMANDLINE
    found = [one for one in context.command.params if one.name and context.get_parameter_source(one.name) is typed]
    return {one.opts[0] for one in found}


def _read(option: str, text: str, parse: Callable[[str], Value]) -> Value:
    from engine.spec.wrong_value import WrongValue

    try:
        return parse(text)
    except WrongValue as error:
        raise UsageError(f"{text!r} {error}", where=option, remedy=error.suggestion) from None


def _past_time(text: str) -> datetime:
    from engine.spec.wrong_value import WrongValue

    try:
        found = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongValue("is no time", "write it as 2026-11-30, or 2026-11-30T18:00:00Z with a time zone") from None
    if not datetime.fromtimestamp(0, UTC) < found <= datetime.now(UTC):
        raise WrongValue("is no time at which a document can have changed", "take one since 1970 and before now")
    return found


def _identity(text: str) -> str:
    """As it is, when it can be one."""
    from bson.errors import BSONError

    from engine.decode.identity import identity_value
    from engine.spec.wrong_value import WrongValue

    try:
        identity_value(text)
    except (BSONError, ValueError, TypeError, KeyError):
        raise WrongValue("is no id", "write it as the column _id of the table has it") from None
    return text


def _listed(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))
