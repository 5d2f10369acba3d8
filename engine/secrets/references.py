"""References inside a scalar of a spec: ``${env:NAME}``, ``${env:NAME:-default}``, ``${file:PATH}``, ``${vault:...}``.

They are resolved after the YAML is parsed, inside one scalar, when the value is used: what a variable holds can
never become YAML. A literal ``${`` is written ``$${``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from engine.errors import UserError
from engine.secrets.vault_access import VaultAccess
from engine.secrets.vault_path import SecretPath, read_vault_name
from engine.secrets.vaults import VAULTS

MAX_FILE_BYTES = 64 * 1024
"""A referenced file holds one value: a key, a password, a certificate."""

_OPENING = "${"
_ESCAPED = "$${"
# Bounded and free of braces, so that text full of `${` is scanned in one pass.
_TOKEN = re.compile(r"\$\$\{|\$\{(?P<body>[^{}\n]{0,1000})\}|\$\{")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_NAME = re.compile(r"(?:[a-z]{1,12}:)?[A-Za-z_][A-Za-z0-9_]*")
_SCHEME = re.compile(r"[a-z]{1,12}")
_KNOWN = "known are `${env:NAME}`, `${file:PATH}` and `${vault:MOUNT/PATH#FIELD}`"
VAULT = "vault"


class UnresolvedReference(UserError):
    """A reference names a variable that is not set, or a file that cannot be read."""

    code = "undefined-reference"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a scalar stands, and what its references are looked up in."""

    where: str = ""
    """Its place in its file, for errors."""
    folder: Path = Path()
    """What relative paths of files are relative to."""
    vault: VaultAccess | None = None
    """The Vault of its target."""
    seen: dict[SecretPath, Mapping[str, str]] = field(default_factory=dict)
    """Secrets read for this scalar: user and password of one scalar are of one lease."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One ``${scheme:name:-default}`` and where it stands in its scalar."""

    scheme: str
    name: str
    default: str | None
    start: int
    text: str
    """All of it, braces included; ``${`` alone when nothing closes it."""


def references(template: str) -> Iterator[Reference]:
    """The references of a scalar, in order."""
    for match in _TOKEN.finditer(template):
        if match[0] != _ESCAPED:
            yield _read(match)


def _read(match: re.Match[str]) -> Reference:
    reference, separator, default = (match["body"] or "").partition(":-")
    scheme, _, name = reference.partition(":")
    return Reference(scheme, name, default if separator else None, match.start(), match[0])


def problem_of(reference: Reference) -> tuple[str, str] | None:
    """What is wrong with the form of a reference and how to put it right; None when it is well formed.

    Nothing but a known name or a scheme is quoted: what stands in a broken reference may be a secret.
    """
    if reference.text == _OPENING:
        return "`${` is never closed", "write `${env:NAME}`; a literal `${` is written `$${`"
    if not reference.name and reference.scheme not in _SCHEMES:
        return "the reference has no scheme", "write `${env:NAME}` or `${file:PATH}`; a literal `${` is written `$${`"
    if reference.scheme not in _SCHEMES:
        shown = f" `{reference.scheme}`" if _SCHEME.fullmatch(reference.scheme) else ""
        return f"unknown reference scheme{shown}", _KNOWN
    if not reference.name:
        return "the reference names nothing", f"write `${{{reference.scheme}:...}}`"
    return _problem_of_name(reference)


def _problem_of_name(reference: Reference) -> tuple[str, str] | None:
    if reference.scheme == "env" and not _VARIABLE.fullmatch(reference.name):
        return "this cannot be the name of an environment variable", "letters, digits and _ make a name"
    if reference.scheme == VAULT and (reference.default is not None or read_vault_name(reference.name) is None):
        return (
            "this cannot be a secret of Vault",
            "write `${vault:MOUNT/PATH#FIELD}` or `${vault:MOUNT/PATH?version=N#FIELD}`, without a default",
        )
    return None


def visible(reference: Reference, mask: str) -> str:
    """The reference for people: defaults are hidden, and whatever in a broken one may be more than a name."""
    head = f"{reference.scheme}:{reference.name}" if reference.name else reference.scheme
    if reference.text == _OPENING:
        return reference.text
    is_name = _PLAIN_NAME.fullmatch(head) is not None or problem_of(reference) is None
    rest = reference.text[len(_OPENING) + len(head) : -1]
    mark = ":-" if rest.startswith(":-") else ""
    shown_head = head if is_name else mask * len(head)
    return f"{_OPENING}{shown_head}{mark}{mask * (len(rest) - len(mark))}}}"


def resolve(template: str, *, where: str = "", folder: Path = Path(), vault: VaultAccess | None = None) -> str:
    """The scalar with its references replaced by what they stand for now.

    Args:
        where: the scalar's place in its file, for errors.
        folder: what relative paths of files are relative to.
        vault: where ``${vault:...}`` is looked up.

    Raises:
        UnresolvedReference: a variable is not set or a file cannot be read; the message holds no value.
        SecretsUnreachable, SecretsError: Vault does not answer, or refuses.
    """
    pieces, end = [], 0
    around = Surroundings(where, folder, vault)
    for match in _TOKEN.finditer(template):
        pieces.append(template[end : match.start()])
        pieces.append(_OPENING if match[0] == _ESCAPED else _value(_read(match), around))
        end = match.end()
    return "".join([*pieces, template[end:]])


def vault_secrets(template: str) -> list[SecretPath]:
    """The secrets of Vault that a scalar names."""
    names = (read_vault_name(one.name) for one in references(template) if one.scheme == VAULT)
    return [name[0] for name in names if name is not None]


def _value(reference: Reference, around: Surroundings) -> str:
    problem = problem_of(reference)
    if problem:
        raise UnresolvedReference(problem[0], where=around.where, remedy=problem[1])
    return _SCHEMES[reference.scheme](reference, around)


def _from_environment(reference: Reference, around: Surroundings) -> str:
    """As in a shell, a default also stands in for a variable that is empty."""
    value = os.environ.get(reference.name)
    if not value and reference.default is not None:
        return reference.default
    if value is None:
        raise UnresolvedReference(
            f"the environment variable {reference.name} is not set",
            where=around.where,
            remedy=f"set it, or give a default in the spec: ${{env:{reference.name}:-...}}",
        )
    return value


def _from_file(reference: Reference, around: Surroundings) -> str:
    path = around.folder / Path(reference.name).expanduser()
    try:
        return _read_file(path)
    except (OSError, ValueError, RuntimeError) as error:
        if reference.default is not None and isinstance(error, FileNotFoundError):
            return reference.default
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UnresolvedReference(
            f"the file {reference.name} cannot be read: {reason}",
            where=around.where,
            remedy="create it, or correct the reference in the spec; relative paths start at the project's folder",
        ) from None


def _from_vault(reference: Reference, around: Surroundings) -> str:
    named = read_vault_name(reference.name)
    if around.vault is None or named is None:
        raise UnresolvedReference(
            "the target names no Vault to look this up in",
            where=around.where,
            remedy="give the target a `vault:` block; its own values come from `${env:...}` and `${file:...}`",
        )
    secret, name = named
    if secret not in around.seen:
        around.seen[secret] = VAULTS.session(around.vault).read(secret)
    if name not in around.seen[secret]:
        raise UnresolvedReference(
            f"the secret {secret} has no text of that name",
            where=around.where,
            remedy="correct what stands behind # in the reference; `vault kv get` shows the names",
        )
    return around.seen[secret][name]


def _read_file(path: Path) -> str:
    """The text of a file without the newline at its end."""
    with path.open("rb") as stream:
        content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it has more than {MAX_FILE_BYTES:,} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")


_SCHEMES: Mapping[str, Callable[[Reference, Surroundings], str]] = MappingProxyType(
    {"env": _from_environment, "file": _from_file, VAULT: _from_vault}
)
