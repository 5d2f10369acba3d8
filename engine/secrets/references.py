"""References inside a scalar of a spec: ``${env:NAME}``, ``${env:NAME:-default}``, ``${file:PATH}``.

They are resolved after the YAML is parsed, inside one scalar, when the value is used: what a variable holds can
never become YAML.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from engine.errors import UserError

_REFERENCE = re.compile(r"\$\{(?P<scheme>[^:}]*):?(?P<name>(?:(?!:-)[^}])*)(?::-(?P<default>[^}]*))?\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class UnresolvedReference(UserError):
    """A reference names a variable that is not set, or a file that cannot be read."""

    code = "undefined-reference"


@dataclass(frozen=True, slots=True)
class Reference:
    """One ``${scheme:name:-default}`` and where it stands in its scalar."""

    scheme: str
    name: str
    default: str | None
    start: int
    text: str


def references(template: str) -> Iterator[Reference]:
    """The references of a scalar, in order."""
    for match in _REFERENCE.finditer(template):
        yield Reference(match["scheme"], match["name"], match["default"], match.start(), match[0])


def problem_of(reference: Reference) -> str | None:
    """What is wrong with the form of a reference; None when it is well formed."""
    if reference.scheme not in _SCHEMES:
        known = ", ".join(f"${{{scheme}:...}}" for scheme in _SCHEMES)
        return f"unknown reference scheme {reference.scheme!r}; known are {known}"
    if reference.scheme == "env" and not _VARIABLE.fullmatch(reference.name):
        return f"{reference.name!r} cannot be the name of an environment variable"
    return None if reference.name else "the reference names nothing"


def resolve(template: str) -> str:
    """The scalar with its references replaced by what they stand for now.

    Raises:
        UnresolvedReference: a variable is not set or a file cannot be read; the message holds no value.
    """
    pieces, end = [], 0
    for reference in references(template):
        problem = problem_of(reference)
        if problem:
            raise UnresolvedReference(problem, remedy="correct the reference in the spec")
        pieces += [template[end : reference.start], _SCHEMES[reference.scheme](reference)]
        end = reference.start + len(reference.text)
    return "".join([*pieces, template[end:]])


def _from_environment(reference: Reference) -> str:
    value = os.environ.get(reference.name, reference.default)
    if value is None:
        raise UnresolvedReference(
            f"the environment variable {reference.name} is not set",
            remedy=f"set it, or give a default in the spec: ${{env:{reference.name}:-...}}",
        )
    return value


def _from_file(reference: Reference) -> str:
    try:
        return Path(reference.name).expanduser().read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        if reference.default is not None:
            return reference.default
        raise UnresolvedReference(
            f"the file {reference.name} cannot be read: {type(error).__name__}",
            remedy="create it, or correct the reference in the spec",
        ) from None


_SCHEMES: Mapping[str, Callable[[Reference], str]] = MappingProxyType({"env": _from_environment, "file": _from_file})
