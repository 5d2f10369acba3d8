"""Contradictions inside one target."""

from __future__ import annotations

from collections.abc import Iterator

from engine.secrets.references import references
from engine.spec.diagnostics import Diagnostic
from engine.spec.target import S3, Storage, Target, lake_problem
from engine.spec.vault_checks import check_vault
from engine.spec.yaml_tree import Path, Tree, value_at


def check_target(tree: Tree, target: Target | None) -> Iterator[Diagnostic]:
    """What no single key of a target can tell; values with references are judged when they are resolved.

    Args:
        target: None when too little of it is right.
    """
    yield from _check_transport(tree)
    yield from check_vault(tree)
    if target is not None:
        yield from _check_lake(tree, target)
    yield from _check_url(tree, ("mongodb", "uri"), ("mongodb", "mongodb+srv"), "mongodb://host:27017/?replicaSet=rs0")
    yield from _check_url(tree, ("state",), None, "sqlite:///.oplake/state.db")
    yield from _check_url(tree, ("transport", "kafka", "connect_url"), ("http", "https"), "http://host:8083")


def _check_transport(tree: Tree) -> Iterator[Diagnostic]:
    given = value_at(tree.data, ("transport",))
    if not isinstance(given, dict):
        return
    chosen = [name for name in ("change_stream", "kafka") if name in given]
    if len(chosen) == 2:  # noqa: PLR2004 - both
        message = "a transport is either `change_stream` or `kafka`, not both"
        yield tree.diagnostic(("transport", chosen[1]), "one-transport", message, "delete one of the two", at_key=True)
    elif not chosen:
        message = "`transport` names neither `change_stream` nor `kafka`"
        suggestion = "write `transport: {change_stream: {}}`, or delete the key: that is the default"
        yield tree.diagnostic(("transport",), "one-transport", message, suggestion, at_key=True)


def _check_lake(tree: Tree, target: Target) -> Iterator[Diagnostic]:
    uri, storage = target.lake.uri, target.lake.storage
    if any(references(uri)):
        return
    problem = lake_problem(uri)
    if problem:
        yield tree.diagnostic(("lake", "uri"), "invalid-value", f"`uri` {problem[0]}", problem[1])
    elif storage is not None and not uri.startswith(S3):
        message = "`storage` is for s3:// only, and the lake is a local folder"
        yield tree.diagnostic(("lake", "storage"), "useless-key", message, "delete it", at_key=True)
    elif storage is not None:
        yield from _check_storage(tree, storage)


def _check_storage(tree: Tree, storage: Storage) -> Iterator[Diagnostic]:
    at: Path = ("lake", "storage")
    if (storage.access_key is None) != (storage.secret_key is None):
        given, missing = ("access_key", "secret_key") if storage.access_key else ("secret_key", "access_key")
        message = f"`{given}` is useless without `{missing}`"
        yield tree.diagnostic((*at, given), "contradictory-keys", message, f"add `{missing}`", at_key=True)
    elif storage.session_token is not None and storage.access_key is None:
        message = "`session_token` is useless without `access_key` and `secret_key`"
        yield tree.diagnostic((*at, "session_token"), "contradictory-keys", message, "add both", at_key=True)
    endpoint = storage.endpoint
    if endpoint is None or any(references(endpoint)):
        return
    if storage.ca is not None and endpoint.startswith("http://"):
        message = "`ca` is for an endpoint with TLS, and this one has none"
        yield tree.diagnostic((*at, "ca"), "useless-key", message, "delete it, or write https://", at_key=True)
    if not endpoint.startswith(("http://", "https://")):
        yield tree.diagnostic((*at, "endpoint"), "invalid-value", "`endpoint` is no http:// or https:// address")
    elif endpoint.startswith("http://") and not storage.allow_http:
        message = "`endpoint` is without TLS, which is not allowed"
        suggestion = "write https://, or add `allow_http: true`"
        yield tree.diagnostic((*at, "endpoint"), "contradictory-keys", message, suggestion)


def _check_url(tree: Tree, path: Path, schemes: tuple[str, ...] | None, example: str) -> Iterator[Diagnostic]:
    """An address that is written out has to have a scheme (one of these); its text is never quoted."""
    text = value_at(tree.data, path)
    if not isinstance(text, str) or not text or text.startswith("${"):
        return
    scheme, separator, _ = text.partition("://")
    if not separator or (schemes is not None and scheme not in schemes):
        starts = " or ".join(f"{name}://" for name in schemes) if schemes else "the kind of database and ://"
        yield tree.diagnostic(
            path, "invalid-value", f"`{path[-1]}` has to start with {starts}", f"for example {example}"
        )
