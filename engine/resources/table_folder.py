"""Removes the folder of one Delta table, and nothing beside it.

Whoever reads while it goes sees the whole table or an error, never an old version of it: on a disk the log is
renamed away first, in a store it is deleted from its oldest commit on. A removal that was cut off is finished
by calling it again.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from engine.errors import LakeError
from engine.lake.delta_errors import reading
from engine.telemetry.crash_points import reach

DELTA_LOG = "_delta_log"
MARK = "_oplake_deleted_log"
"""Stands in a folder that is being removed, and goes last: the log of a local table, renamed; in a store an
empty object."""


def erase_table(uri: str, storage_options: Mapping[str, str]) -> None:
    """Remove everything below the table's URI; a table that is not there is fine.

    Raises:
        LakeError: the store refuses, or the folder is a link to somewhere else.
    """
    folder = _local(uri)
    if folder is not None:
        _erase_folder(folder)
    else:
        _erase_objects(uri, storage_options)


def has_remnant(uri: str, storage_options: Mapping[str, str]) -> bool:
    """Whether a removal was begun here and cut off."""
    folder = _local(uri)
    if folder is not None:
        return (folder / MARK).exists()
    from deltalake.fs import DeltaStorageHandler  # noqa: PLC0415  only for lakes in an object store
    from pyarrow.fs import FileType  # noqa: PLC0415

    with reading(uri):
        (mark,) = DeltaStorageHandler(uri, dict(storage_options)).get_file_info([MARK])
    return bool(mark.type == FileType.File)


def _local(uri: str) -> Path | None:
    if uri.startswith("file://"):
        return Path(uri.removeprefix("file://"))
    return None if "://" in uri else Path(uri)


def _erase_folder(folder: Path) -> None:
    if folder.is_symlink():
        raise LakeError(
            "the table's folder is a link to another place, so oplake does not delete through it",
            where=str(folder),
            remedy="delete the link yourself, then apply again",
        )
    log, hidden = folder / DELTA_LOG, folder / MARK
    try:
        if log.exists():
            if hidden.exists():
                shutil.rmtree(hidden)
            log.rename(hidden)
        reach("apply.erase.hidden")
        if folder.exists():
            _remove_all_but(folder, hidden)
            shutil.rmtree(folder)
    except OSError as error:
        raise LakeError(
            f"the table's folder cannot be deleted ({error.strerror or error})",
            where=str(folder),
            remedy="check who owns the files, then apply again: it goes on from here",
        ) from error


def _remove_all_but(folder: Path, last: Path) -> None:
    """The mark goes last: while it is there, everybody can see that a removal is under way."""
    for entry in folder.iterdir():
        if entry == last:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)  # never follows a link
        else:
            entry.unlink()


def _erase_objects(uri: str, storage_options: Mapping[str, str]) -> None:
    from deltalake.fs import DeltaStorageHandler  # noqa: PLC0415  only for lakes in an object store

    # The handler is rooted at the table: it has no path by which to reach anything else.
    handler = DeltaStorageHandler(uri, dict(storage_options))
    paths = [path for path in _objects(uri, storage_options) if path != MARK]
    with reading(uri):
        if paths:
            handler.open_output_stream(MARK).close()
        for number, path in enumerate(sorted(paths, key=_log_first)):
            handler.delete_file(path)
            if number == 0:
                reach("apply.erase.hidden")
        if paths or has_remnant(uri, storage_options):
            handler.delete_file(MARK)


def _log_first(path: str) -> tuple[int, str]:
    """Checkpoints, then commits from the oldest on, then data: no moment shows an older version."""
    if not path.startswith(f"{DELTA_LOG}/"):
        return 2, path
    return (1 if path.endswith(".json") else 0), path


def _objects(uri: str, storage_options: Mapping[str, str]) -> list[str]:
    from deltalake.fs import DeltaStorageHandler  # noqa: PLC0415  only for lakes in an object store
    from pyarrow.fs import FileSelector, FileType  # noqa: PLC0415

    handler = DeltaStorageHandler(uri, dict(storage_options))
    with reading(uri):
        found = handler.get_file_info_selector(FileSelector("", allow_not_found=True, recursive=True))
    return [info.path for info in found if info.type == FileType.File]
