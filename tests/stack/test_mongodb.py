from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient

from engine.errors import ToolMissing
from engine.stack import mongodb
from engine.stack.mongodb import MongoServer

pytestmark = pytest.mark.server


def test_a_killed_server_starts_again_with_its_data(tmp_path: Path) -> None:
    server = MongoServer(tmp_path, durable=True)
    server.start()
    with MongoClient[Any](server.uri) as client:
        client["d"]["c"].insert_one({"_id": 1})
    server.kill()
    assert server.pid is None
    server.start()
    with MongoClient[Any](server.uri) as client:
        assert client["d"]["c"].find_one() == {"_id": 1}
    pid = server.pid
    server.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert server.log.stat().st_size > 0


def test_a_missing_program_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mongodb.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolMissing, match=r"oplake\[dev-server\]"):
        MongoServer(tmp_path).start()
