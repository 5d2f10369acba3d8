"""A server is known by its process id and by when that process was born."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.stack.mongodb import MongoServer
from engine.stack.ports import free_port
from engine.state.process import Process


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that no stack has started."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def record(folder: Path, process: Process) -> None:
    (folder / "process.json").write_text(json.dumps(dataclasses.asdict(process)))


def test_a_process_that_took_over_the_number_of_a_server_is_left_alone(
    tmp_path: Path, stranger: subprocess.Popen[bytes]
) -> None:
    record(tmp_path, dataclasses.replace(Process.of(stranger.pid), born="1"))
    for act in (MongoServer.stop, MongoServer.kill):
        server = MongoServer(tmp_path)
        assert server.pid is None
        assert not server.is_healthy
        act(server)
        assert stranger.poll() is None


def test_a_process_of_another_boot_is_left_alone(tmp_path: Path, stranger: subprocess.Popen[bytes]) -> None:
    record(tmp_path, dataclasses.replace(Process.of(stranger.pid), boot="another"))
    server = MongoServer(tmp_path)
    server.kill()
    assert server.pid is None
    assert stranger.poll() is None


def test_the_process_that_was_recorded_is_ended(tmp_path: Path, stranger: subprocess.Popen[bytes]) -> None:
    record(tmp_path, Process.of(stranger.pid))
    MongoServer(tmp_path).kill()
    assert stranger.wait(10) == -9


@pytest.mark.parametrize("content", ["", "[]", '{"pid": 1}'])
def test_a_record_that_cannot_be_read_ends_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "process.json").write_text(content)
    server = MongoServer(tmp_path)
    server.stop()
    assert server.pid is None


def test_a_port_is_told_once() -> None:
    ports = [free_port() for _ in range(1000)]
    assert len(set(ports)) == len(ports)
