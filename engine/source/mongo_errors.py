"""What the MongoDB driver raises, as our errors: what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from engine.errors import OplakeError, ResumePointLost, SourceError, SourceUnreachable

EVENT_TOO_LARGE = 10334
NO_REPLICA_SET = 40573
_HISTORY_LOST = frozenset({136, 280, 286})
"""CappedPositionLost, ChangeStreamFatalError, ChangeStreamHistoryLost."""
_PASSING = frozenset({6, 7, 43, 50, 63, 89, 91, 133, 150, 175, 189, 234, 237, 246, 262, 9001})
"""A cursor or plan that the server gave up, and a later read may have: HostUnreachable, HostNotFound, CursorNotFound,
MaxTimeMSExpired, StaleShardVersion, NetworkTimeout, ShutdownInProgress, FailedToSatisfyReadPreference, StaleEpoch,
QueryPlanKilled, PrimarySteppedDown, RetryChangeStream, CursorKilled, SnapshotUnavailable, ExceededTimeLimit,
SocketException."""
_PASSING_WHILE_ROLES_CHANGE = frozenset({10107, 11600, 11601, 11602, 13388})
"""NotWritablePrimary, Interrupted, two of its kind, StaleConfig."""

_READ_ANEW = "`oplake destroy PIPELINE`, `oplake apply`, `oplake run`"
_REFUSALS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        13: (
            "the user may not read this collection or its change stream",
            "grant it the actions find and changeStream (the role `read` on the database)",
        ),
        18: (
            "MongoDB does not accept the user or the password",
            "check the credentials and the authSource in `mongodb.uri`",
        ),
        47: (
            "the server did not keep the image of a change, and `capture: post_image` needs it",
            f"enable changeStreamPreAndPostImages with collMod and read the table anew ({_READ_ANEW}), "
            "or use `capture: update_full`",
        ),
        166: (
            "a view has no change stream",
            "name the collection under the view",
        ),
        EVENT_TOO_LARGE: (
            "a document with its change is larger than what one event may hold (16 MB)",
            f"make the document smaller, then read the table anew: {_READ_ANEW}",
        ),
        NO_REPLICA_SET: (
            "the server is no replica set, so it has no change streams",
            "start mongod with --replSet and run rs.initiate(); one member is enough",
        ),
    }
)
"""Server error code -> what, remedy."""


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
    code = error.code or 0
    if code in _HISTORY_LOST:
        return resume_point_lost(namespace, f"server error {code}")
    if code in _PASSING | _PASSING_WHILE_ROLES_CHANGE:
        return SourceUnreachable(
            f"MongoDB gave up a read ({_message(error)})",
            where=namespace,
            remedy="it is tried again from the committed position; if that never ends, the server's log tells more",
        )
    what, remedy = _REFUSALS.get(code, (f"MongoDB refused ({_message(error)})", "see the server's log"))
    return SourceError(what, where=namespace, remedy=remedy)


def _message(error: OperationFailure) -> str:
    return f"code {error.code}: {(error.details or {}).get('errmsg', 'no message')}"
