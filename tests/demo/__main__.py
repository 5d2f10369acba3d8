"""Tell the story against a server of its own; leave nothing behind, and exit with 1 when a promise is not kept."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from pymongo import MongoClient

from engine.errors import OplakeError
from engine.stack.mongodb import MongoServer
from tests.demo.commands import Commands
from tests.demo.screen import DemoFailed, Screen
from tests.demo.story import Stage, tell

NEXT = """
   Try next:
     - the same with your own data:    mkdir lake && cd lake && oplake init, then set OPLAKE_MONGODB_URI
     - another shape of table:         edit specs/pipelines/orders.yaml (mode: current | history | changes), then plan
     - what you may rely on, and why:  README.md
     - the suite, kills included:      make test
"""


def main() -> int:
    """0 when every check held."""
    screen, started = Screen(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="oplake-demo-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        _play(screen, folder)
    except (DemoFailed, OplakeError) as failure:
        print(f"\nThe demonstration FAILED: {failure}\nIts files are in {folder}", file=sys.stderr)
        return 1
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder)
    print(f"\nDone in {time.monotonic() - started:.0f} s. Checked, and true:")
    print("\n".join(f"   - {promise}" for promise in screen.checked))
    print("   The server is stopped and its folder removed: nothing is left running.")
    print(NEXT)
    return 0


def _play(screen: Screen, folder: Path) -> None:
    screen.say(f"Everything happens in {folder}, against a MongoDB-protocol server that runs as a process of its own.")
    project = folder / "project"
    project.mkdir()
    with MongoServer(folder / "mongodb") as server, MongoClient(server.uri) as client:
        screen.say(f"The server listens on {server.uri}")
        tell(Stage(screen, Commands(screen, project, server.uri), project, client))


if __name__ == "__main__":
    sys.exit(main())
