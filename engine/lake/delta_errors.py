"""What deltalake raises, said in oplake's words.

deltalake 1.6.6 raises ``CommitFailedError`` when another commit is in the way, ``TableNotFoundError`` and
other ``DeltaError`` for what it finds in a table, ``OSError`` for a store that does not answer,
``ArrowInvalid`` for a file that is gone while a stream is read, and a bare ``Exception`` for some casts.
The bare one is recognised by its exact type, so that nothing else is ever swallowed.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from deltalake.exceptions import (
    CommitFailedError,
    DeltaError,
    DeltaProtocolError,
    SchemaMismatchError,
    TableNotFoundError,
)

from engine.errors import CommitConflict, InternalError, LakeError, OplakeError
from engine.lake import WRITES_AT_ONCE
from engine.spec.target import S3


class StoreFailed(CommitConflict):
    """The store failed while a commit was written: the commit may be there or not."""


class StoreSilent(LakeError):
    """The store fails just now: whoever can wait may read again."""


class NoTable(LakeError):
    """There is no Delta table at the place."""


_MISSING_FILE = "not found"
_LOG = "_delta_log/"
_STORE_FAILED = "Generic S3 error"
"""What object_store says when its retries are spent; a refusal has other words."""
_UNTRUSTED = re.compile(r"invalid peer certificate\W*(\w*)")
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
"""deltalake paints the arrows of its error chains."""
_LONGEST = 400
_places = threading.BoundedSemaphore(WRITES_AT_ONCE)


@contextmanager
def reading(uri: str) -> Iterator[None]:
    """Translate what goes wrong while a table is read.

    Raises:
        StoreSilent: the store does not answer, or with an error of its own, or has no commit that it lists.
        NoTable: there is none.
        LakeError: the table, or a file of it, cannot be read.
    """
    _refuse_hidden(uri)
    try:
        yield
    except OplakeError:
        raise
    except TableNotFoundError as error:
        raise NoTable("there is no Delta table here", where=uri, remedy="run `oplake apply` to create it") from error
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise _unreadable(error, uri) from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise _unreadable(error, uri) from error


def _refuse_hidden(uri: str) -> None:
    """deltalake takes a folder that this user may not enter for a table that is not there."""
    if "://" in uri:
        return
    try:
        os.stat(os.path.join(uri, "_delta_log", "_last_checkpoint"))
    except PermissionError as error:
        raise LakeError(
            "this user may not look into the lake's folders, so nobody can say whether the table is there",
            where=uri,
            remedy="give the user of this process the right to read and enter the lake's folders",
        ) from error
    except OSError:
        return


@contextmanager
def committing(uri: str) -> Iterator[None]:
    """Translate what goes wrong while a commit is written; waits where ``WRITES_AT_ONCE`` others are at it.

    Raises:
        CommitConflict: another writer was first.
        StoreFailed: nobody knows whether the commit was written (a CommitConflict, too).
        LakeError: the store or the table refuses.
        InternalError: the rows do not fit the table, which ``table_types`` ought to have found.
    """
    try:
        with _places:
            yield
    except OplakeError:
        raise
    except CommitFailedError as error:
        raise CommitConflict(
            f"another writer's commit is in the way ({_one_line(error)})",
            where=uri,
            remedy="open the table again and go on from its committed position",
        ) from error
    except SchemaMismatchError as error:
        raise _misfit(error, uri) from error
    except (TableNotFoundError, DeltaProtocolError) as error:
        raise _unreadable(error, uri) from error
    except (DeltaError, OSError) as error:
        raise _distrust(error, uri) or StoreFailed(
            f"the store failed while a commit was written, so its fate is unknown ({_one_line(error)})",
            where=uri,
            remedy="open the table again and compare its position before writing more; "
            "if this repeats, check the store, its permissions and its free space",
        ) from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise _misfit(error, uri) from error


def is_of_store(error: BaseException) -> bool:
    """Whether it was the store that failed, and neither another writer nor what a table holds."""
    return isinstance(error, StoreFailed | StoreSilent) or type(error) is LakeError


def is_missing_file(error: BaseException) -> bool:
    """Whether an error, or the library's that it tells of, says that a file of the table is gone."""
    return _MISSING_FILE in str(error.__cause__ or error).lower()


def untrusted(uri: str, why: str) -> LakeError:
    """The error that the store shows a certificate of somebody whom this process does not trust."""
    return LakeError(
        f"the store's certificate is not trusted ({why})",
        where=uri,
        remedy="name the file (PEM) of the authority that signed it in lake.storage.ca, and the store in "
        "lake.storage.endpoint by a name that the certificate has",
    )


def _distrust(error: BaseException, uri: str) -> LakeError | None:
    """The same when that is what the Delta library says."""
    found = _UNTRUSTED.search(_one_line(error, longest=None))
    return None if found is None else untrusted(uri, found[1] or "invalid")


def _unreadable(error: BaseException, uri: str) -> LakeError:
    distrust = _distrust(error, uri)
    if distrust is not None:
        return distrust
    if is_missing_file(error):
        is_listed = uri.startswith(S3) and _LOG in str(error)
        return (StoreSilent if is_listed else LakeError)(
            f"a file of the table is gone ({_one_line(error)})",
            where=uri,
            remedy="read again; if it stays gone it was deleted or vacuumed too early: restore it, "
            "or delete a folded table and have the next fold build it again",
        )
    kind = StoreSilent if _STORE_FAILED in str(error) else LakeError
    return kind(
        f"the table cannot be read ({_one_line(error)})",
        where=uri,
        remedy="check that the lake can be reached and that the table's files are all there",
    )


def _misfit(error: BaseException, uri: str) -> InternalError:
    return InternalError(f"rows do not fit the table ({_one_line(error)})", where=uri)


def _one_line(error: BaseException, longest: int | None = _LONGEST) -> str:
    return " ".join(_COLOUR.sub("", str(error)).split())[:longest]
