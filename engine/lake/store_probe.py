"""Proves, before anything is committed, that an object store enforces conditional put.

A commit is a put of the next log entry that has to fail when the entry is there (``If-None-Match: *``). A store
that ignores the condition lets the second of two writers overwrite the first one's commit, and nobody is told.
So one object is put by several writers at once, and then once more: exactly one of all those puts may succeed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from engine.errors import LakeError, RetryableError
from engine.lake.s3_signature import Credentials

if TYPE_CHECKING:
    from engine.lake.put_race import PutRace

DEADLINE_S = 30.0
PAUSE_S = 0.5
FOLDER = "_oplake_probe"
"""Beside the tables; holds an object only while a probe runs."""
AWS_HOSTS = ("amazonaws.com", "amazonaws.com.cn")
"""Amazon's own S3 enforces the condition everywhere since 2024."""

_WON = frozenset({200, 201, 204})
_LOST = frozenset({409, 412})
"""Somebody was first; 409 when it happened during the request."""
_UNKNOWN_CONDITION = frozenset({400, 405, 411, 501})

_proven: set[tuple[str, str]] = set()
_proving = Lock()


def require_conditional_put(lake_uri: str, storage_options: Mapping[str, str]) -> None:
    """Refuse a lake whose store would lose commits; asks about each lake once in the life of this process.

    A local folder and Amazon's own S3 are taken to be sound.

    Raises:
        LakeError: the store does not enforce the condition, refuses us, or does not answer in time.
    """
    endpoint = _endpoint(storage_options)
    if not lake_uri.startswith("s3://") or not endpoint or _is_aws(endpoint):
        return
    with _proving:
        if (endpoint, lake_uri) in _proven:
            return
        from engine.lake.put_race import PutRace  # noqa: PLC0415  only for lakes in an object store

        url = _folder_url(lake_uri, endpoint, storage_options)
        _prove(PutRace(url, _credentials(endpoint, storage_options)))
        _proven.add((endpoint, lake_uri))


def _prove(race: PutRace) -> None:
    """Run it again while the store is busy: the fate of a put without an answer is unknown, so is its race."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            statuses = race.statuses()
            if _is_sound(statuses, race.folder_url):
                return
            problem = f"it answers {max(statuses)}"
        except RetryableError as error:
            problem = error.what
        if time.monotonic() > deadline:
            raise LakeError(
                f"the store cannot be asked whether it keeps commits apart ({problem})",
                where=race.folder_url,
                remedy="check lake.storage.endpoint, and that the store is up",
            )
        time.sleep(PAUSE_S)


def _is_sound(statuses: Sequence[int], url: str) -> bool:
    """Whether the answers prove it; False when they say nothing either way.

    Raises:
        LakeError: they prove that commits would be lost, or say that we may not write.
    """
    won = sum(status in _WON for status in statuses)
    if won > 1 or _UNKNOWN_CONDITION.intersection(statuses):
        answer = f"{won} of {len(statuses)} puts created the same object" if won > 1 else f"it answers {max(statuses)}"
        raise LakeError(
            f"the store does not enforce conditional put ({answer}), so commits would be lost without a word",
            where=url,
            remedy="use a store that answers 412 to a put with If-None-Match: * of an object that is there "
            "(Amazon S3, MinIO, SeaweedFS 4), or upgrade this one",
        )
    if 404 in statuses:  # noqa: PLR2004 - HTTP
        raise LakeError("there is no such bucket", where=url, remedy="create it, or correct lake.uri")
    if {401, 403}.intersection(statuses):
        raise LakeError(
            f"the store refuses to let us write (it answers {max(statuses)})",
            where=url,
            remedy="check access_key, secret_key and region of lake.storage, and that the key may put and delete",
        )
    return won == 1 and all(status in _WON | _LOST for status in statuses)


def _endpoint(options: Mapping[str, str]) -> str:
    named = options.get("aws_endpoint") or os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or ""
    return named.rstrip("/")


def _is_aws(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return any(host == known or host.endswith(f".{known}") for known in AWS_HOSTS)


def _folder_url(lake_uri: str, endpoint: str, options: Mapping[str, str]) -> str:
    """The endpoint of a virtual-hosted bucket names the bucket already: object_store asks for it so."""
    bucket, _, prefix = lake_uri.removeprefix("s3://").partition("/")
    is_virtual = options.get("aws_virtual_hosted_style_request") == "true"
    parts = [*([] if is_virtual else [bucket]), *prefix.split("/"), FOLDER]
    return "/".join([endpoint, *(quote(part, safe="~") for part in parts if part)])


def _credentials(endpoint: str, options: Mapping[str, str]) -> Credentials:
    def value(name: str) -> str:
        return options.get(name) or os.environ.get(name.upper(), "")

    access_key, secret_key = value("aws_access_key_id"), value("aws_secret_access_key")
    if not (access_key and secret_key):
        raise LakeError(
            "the store cannot be asked whether it keeps commits apart: there are no keys to ask with",
            where=endpoint,
            remedy="give access_key and secret_key of lake.storage, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    return Credentials(access_key, secret_key, value("aws_session_token"), value("aws_region") or "us-east-1")
