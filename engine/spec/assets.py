"""Where the files beside the code are: in a checkout at the top level, in an installed wheel under ``engine``."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent


def asset_folder(name: str) -> Path:
    """The folder ``schemas`` or ``templates``.

    Raises:
        FileNotFoundError: the installation is broken.
    """
    for folder in (_PACKAGE / "_assets" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the folder {name} is missing from the installation")
