"""What the MongoDB driver raises, as our errors: what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from engine.errors import OplakeError, ResumePointLost, SourceError, SourceUnreachable

_HISTORY_LOST = frozenset({136, 280, 286})
"""CappedPositionLost, ChangeStreamFatalError, ChangeStreamHistoryLost."""
_UNAUTHORIZED = frozenset({13, 18})
_EVENT_TOO_LARGE = 10334
_NO_REPLICA_SET = 40573


@contextmanager
def reading_from(namespace: str) -> Iterator[None]:
    """Translate what goes wrong while a namespace is read.

    Raises:
        SourceUnreachable: no server answers; trying again may help.
        ResumePointLost: the oplog no longer holds the position.
        SourceError: the server refuses.
    """
    try:
        yield
    except OperationFailure as error:
        raise _refusal(error, namespace) from error
    except AutoReconnect as error:  # includes ServerSelectionTimeoutError and NetworkTimeout
        raise SourceUnreachable(
            f"MongoDB does not answer ({type(error).__name__})",
            where=namespace,
            remedy="check that the servers of `mongodb.uri` run and can be reached from here",
        ) from error
    except PyMongoError as error:
        raise SourceError(
            f"the MongoDB driver failed: {type(error).__name__}: {error}",
            where=namespace,
            remedy="if it happens again, report it",
        ) from error


def resume_point_lost(namespace: str, detail: str) -> ResumePointLost:
    """The changes after the committed position are gone from the oplog."""
    return ResumePointLost(
        f"the oplog no longer holds the changes after the table's position ({detail})",
        where=namespace,
        remedy="changes are missing for good, so the table has to be read anew: `oplake destroy PIPELINE`, then "
        "`oplake apply` and `oplake run`; give the server a larger oplog, or run more often",
    )


def _refusal(error: OperationFailure, namespace: str) -> OplakeError:
    if error.code in _HISTORY_LOST:
        return resume_point_lost(namespace, f"server error {error.code}")
    if error.code in _UNAUTHORIZED:
        return SourceError(
            "the user may not read this collection or its change stream",
            where=namespace,
            remedy="grant it the actions find and changeStream (the role `read` on the database)",
        )
    if error.code == _EVENT_TOO_LARGE:
        return SourceError(
            "a change is larger than the 16 MB that one event may have",
            where=namespace,
            remedy="read the table anew (`oplake destroy PIPELINE`, `oplake apply`, `oplake run`), and keep updates "
            "of documents near 16 MB smaller",
        )
    if error.code == _NO_REPLICA_SET:
        return SourceError(
            "the server is no replica set, so it has no change streams",
            where=namespace,
            remedy="start mongod with --replSet and run rs.initiate(); one member is enough",
        )
    return SourceError(
        f"MongoDB refused: {(error.details or {}).get('errmsg', 'no message')} (code {error.code})",
        where=namespace,
        remedy="see the server's log",
    )
