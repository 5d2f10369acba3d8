"""What a plan wants to know of the source, cheaply and without changing anything."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import ConfigurationError, OperationFailure

from engine.errors import SourceError
from engine.source.mongo_errors import reading_from
from engine.source.raw_document import RAW

SYSTEM_DATABASES = frozenset({"admin", "config", "local"})
CONNECT_TIMEOUT_MS = 10_000
AT_ONCE = 1000
"""Collections asked for by their names in one request."""
_WILDCARDS = "*?"


def connect(uri: str, timeout_ms: int = CONNECT_TIMEOUT_MS) -> MongoClient[Any]:
    """A client; nothing is sent before it is used.

    Raises:
        SourceError: the connection string is wrong (it is not repeated in the message).
    """
    with _right_string():
        return MongoClient(uri, **_options(timeout_ms))


def connect_async(uri: str, timeout_ms: int = CONNECT_TIMEOUT_MS) -> AsyncMongoClient[Any]:
    """The same for an event loop."""
    with _right_string():
        return AsyncMongoClient(uri, **_options(timeout_ms))


def _options(timeout_ms: int) -> dict[str, Any]:
    return {"serverSelectionTimeoutMS": timeout_ms, "connectTimeoutMS": timeout_ms, "appname": "oplake"}


@contextmanager
def _right_string() -> Iterator[None]:
    try:
        yield
    except (ConfigurationError, ValueError) as error:
        raise SourceError(
            f"the connection string is wrong ({type(error).__name__})",
            where="mongodb.uri",
            remedy="correct it in the target; it has the form mongodb://host:port/?replicaSet=name",
        ) from None


def collections(client: MongoClient[Any], globs: Sequence[str]) -> list[str]:
    """The namespaces that names and globs stand for, sorted; literal names also when they do not exist yet.

    Raises:
        SourceUnreachable: no server answers.
    """
    found = {name for name in globs if not _is_glob(name)}
    wild = [name.partition(".")[::2] for name in globs if _is_glob(name)]
    with reading_from("MongoDB"):
        for database in client.list_database_names() if wild else ():
            patterns = [name for wanted, name in wild if _matches(database, wanted)]
            if patterns and database not in SYSTEM_DATABASES:
                names = client[database].list_collection_names(filter={"type": "collection"})
                names = [name for name in names if not name.startswith("system.")]
                found.update(f"{database}.{name}" for name in names if any(_matches(name, glob) for glob in patterns))
    return sorted(found)


def exists(client: MongoClient[Any], namespace: str) -> bool:
    """Whether the collection is there."""
    database, _, name = namespace.partition(".")
    with reading_from(namespace):
        return name in client[database].list_collection_names(filter={"name": name})


def existing(client: MongoClient[Any], namespaces: Collection[str]) -> set[str]:
    """Those of the collections that are there; a thousand of a database are asked for in one request.

    Raises:
        SourceUnreachable: no server answers.
    """
    names: dict[str, list[str]] = {}
    for namespace in sorted(namespaces):
        database, _, name = namespace.partition(".")
        names.setdefault(database, []).append(name)
    found: set[str] = set()
    with reading_from("MongoDB"):
        for database, wanted in names.items():
            for start in range(0, len(wanted), AT_ONCE):
                there = {"name": {"$in": wanted[start : start + AT_ONCE]}}
                found.update(f"{database}.{name}" for name in client[database].list_collection_names(filter=there))
    return found


def can_stream(client: MongoClient[Any]) -> str | None:
    """Why the deployment has no change streams; None when it has."""
    with reading_from("MongoDB"):
        return _why_no_streams(client.admin.command("hello"))


async def can_stream_async(client: AsyncMongoClient[Any]) -> str | None:
    """The same for an event loop."""
    with reading_from("MongoDB"):
        return _why_no_streams(await client.admin.command("hello"))


def _why_no_streams(hello: Mapping[str, Any]) -> str | None:
    if "setName" in hello or hello.get("msg") == "isdbgrid":
        return None
    return "the server is no replica set, so it has no change streams; start mongod with --replSet"


def keeps_post_images(client: MongoClient[Any], namespace: str) -> bool:
    """Whether the collection keeps what ``capture: post_image`` needs (MongoDB 6, changeStreamPreAndPostImages)."""
    database, _, name = namespace.partition(".")
    with reading_from(namespace):
        for found in client[database].list_collections(filter={"name": name}):
            return bool(found.get("options", {}).get("changeStreamPreAndPostImages", {}).get("enabled", False))
    return False


def sample(client: MongoClient[Any], namespace: str, size: int = 1000) -> list[bytes]:
    """The first and the last documents by ``_id``, as BSON.

    The same collection gives the same sample, so a plan can be repeated; both ends show old and new shapes.
    Nothing is drawn at random and only the ends of the ``_id`` index are read, so it costs the same at any size.
    """
    database, _, name = namespace.partition(".")
    collection = client[database][name].with_options(RAW)
    half = (size + 1) // 2
    with reading_from(namespace):
        first = [bytes(document.raw) for document in collection.find(sort=[("_id", 1)], limit=half)]
        last = [bytes(document.raw) for document in collection.find(sort=[("_id", -1)], limit=size - half)]
    return list(dict.fromkeys([*first, *reversed(last)]))


def estimated_count(client: MongoClient[Any], namespace: str) -> int:
    """Documents in the collection, from its metadata."""
    database, _, name = namespace.partition(".")
    with reading_from(namespace):
        return client[database][name].estimated_document_count()


def oplog_window_hours(client: MongoClient[Any]) -> float | None:
    """Hours of changes that the oplog holds; None when this user may not read it."""
    oplog = client.local["oplog.rs"]
    try:
        first = oplog.find_one({}, {"ts": 1}, sort=[("$natural", 1)])
        last = oplog.find_one({}, {"ts": 1}, sort=[("$natural", -1)])
    except OperationFailure:
        return None
    if first is None or last is None:
        return None
    return float(last["ts"].time - first["ts"].time) / 3600


def _matches(name: str, glob: str) -> bool:
    """Only ``*`` and ``?`` mean more than themselves."""
    return fnmatch.fnmatchcase(name, glob.replace("[", "[[]"))


def _is_glob(name: str) -> bool:
    return any(mark in name for mark in _WILDCARDS)
