"""What a target says of Vault: one way to log in, and no secret of Vault that is needed to reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.secrets.references import VAULT, references
from engine.spec.diagnostics import Diagnostic
from engine.spec.yaml_tree import Tree, scalars, value_at

_LOGINS = ("token", "approle", "kubernetes")
_BLOCK = "vault"


def check_vault(tree: Tree) -> Iterator[Diagnostic]:
    """Problems of the ``vault`` block, and references that have no Vault to be looked up in."""
    block = value_at(tree.data, (_BLOCK,))
    for path, text in scalars(tree.data):
        if not any(one.scheme == VAULT for one in references(text)):
            continue
        if path[0] == _BLOCK:
            message = "what leads to Vault cannot be kept in Vault"
            yield tree.diagnostic(path, "misplaced-reference", message, "write `${env:NAME}` or `${file:PATH}`")
        elif not isinstance(block, Mapping):
            message = "the target names no Vault to look this up in"
            yield tree.diagnostic(path, "bad-reference", message, "give the target a `vault:` block")
    yield from _check_login(tree, value_at(tree.data, (_BLOCK, "auth")))


def _check_login(tree: Tree, auth: object) -> Iterator[Diagnostic]:
    if not isinstance(auth, Mapping):
        return
    chosen = [name for name in _LOGINS if name in auth]
    if len(chosen) > 1:
        message = f"`auth` is `{chosen[0]}` or `{chosen[1]}`, not both"
        yield tree.diagnostic((_BLOCK, "auth", chosen[1]), "contradictory-keys", message, "delete one", at_key=True)
    elif not auth:
        message = "`auth` names no way to log in"
        yield tree.diagnostic(
            (_BLOCK, "auth"), "contradictory-keys", message, "write `token`, `approle` or `kubernetes`", at_key=True
        )
