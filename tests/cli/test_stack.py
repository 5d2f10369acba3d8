"""``oplake stack`` as a person uses it: each command is a process of its own, and so is each server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pymongo import MongoClient

from engine.spec.project import load_project
from engine.stack.s3 import SECRET_KEY
from tests.cli.command_line import START, oplake

pytestmark = pytest.mark.server
PATIENCE_S = 300


class Stack:
    """The commands in one project folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-c", START, "stack", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def states(self, code: int = 0) -> dict[str, str]:
        lines = [line.split() for line in self("status", code=code).splitlines()]
        return {line[0]: " ".join(line[1 : line.index("pid")]) for line in lines}

    def pids(self) -> dict[str, int]:
        return {found[1]: int(found[2]) for found in re.finditer(r"(?m)^(\S+) .* pid +(\d+)", self("status"))}

    def processes(self) -> list[psutil.Process]:
        """Everything alive whose command line names this folder."""
        return [
            process
            for process in psutil.process_iter(["cmdline", "status"])
            if process.info["status"] != psutil.STATUS_ZOMBIE
            and any(str(self.folder) in word for word in process.info["cmdline"] or [])
        ]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path)
    try:
        yield stack
    finally:
        stack("down")


class TestLife:
    def test_a_laptop_needs_a_source_and_a_store(self, stack: Stack) -> None:
        told = stack("up", "--only", "mongodb,s3", "--write-target", "laptop")
        assert "mongodb://127.0.0.1:" in told
        assert stack.states() == {"mongodb": "healthy", "s3": "healthy"}
        target = load_project(stack.folder).target("laptop")
        lake, options = target.lake.location(stack.folder), target.lake.storage_options()
        write_deltalake(f"{lake}/t", pa.table({"n": [1]}), storage_options=options)
        with MongoClient[Any](target.mongodb.uri.reveal()) as client:
            assert client.admin.command("ping")["ok"] == 1

        assert "killed s3" in stack("kill", "s3")
        assert stack.states(code=1) == {"mongodb": "healthy", "s3": "dead"}
        assert stack("status", "--only", "mongodb").count("healthy") == 1
        stack("restart", "s3")
        assert stack.states() == {"mongodb": "healthy", "s3": "healthy"}
        assert pa.table(DeltaTable(f"{lake}/t", storage_options=options).scan()).num_rows == 1

        assert "stopped mongodb, s3" in stack("down")
        assert stack.processes() == []
        assert "nothing was started" in stack("down")
        assert "nothing was started" in stack("status")

    @pytest.mark.kafka
    def test_all_four_run_together_and_outlive_their_starter(self, stack: Stack) -> None:
        stack("up", "--write-target", "rehearsal")
        assert stack.states() == dict.fromkeys(["mongodb", "kafka", "connect", "s3"], "healthy")
        before = stack.pids()
        stack("up", "--write-target", "rehearsal")
        assert stack.pids() == before

        kafka = load_project(stack.folder).target("rehearsal").transport.kafka
        assert kafka is not None
        with urllib.request.urlopen(f"{kafka.connect_url.resolved()}/connectors", timeout=10) as answer:  # noqa: S310
            assert json.load(answer) == []

        stack("kill", "kafka")
        assert stack.states(code=1)["kafka"] == "dead"
        stack("restart", "kafka")
        after = stack.pids()
        assert after.pop("kafka") != before.pop("kafka")
        assert after == before
        assert len(stack.processes()) >= 4

        stack("down", "--only", "connect,kafka")
        assert stack.states() == {"mongodb": "healthy", "s3": "healthy"}
        stack("down")
        assert stack.processes() == []


def test_a_written_target_holds_no_key_and_is_not_written_over(stack: Stack) -> None:
    stack("up", "--only", "mongodb,s3", "--write-target", "laptop")
    path = stack.folder / "specs" / "targets" / "laptop.yaml"
    assert SECRET_KEY not in path.read_text()
    assert [file.stat().st_mode & 0o077 for file in (stack.folder / ".oplake/stack/s3").glob("*_key")] == [0, 0]
    path.write_text("target: laptop # mine\n")
    assert "there is another target already" in stack("up", "--only", "mongodb", "--write-target", "laptop", code=2)
    assert path.read_text() == "target: laptop # mine\n"


def test_two_who_start_at_once_start_one_server(stack: Stack) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(lambda _: stack("up", "--only", "mongodb")[-200:], range(2)))) == 1
    servers = {int(json.loads(file.read_text())["pid"]) for file in stack.folder.rglob("process.json")}
    assert {process.pid for process in stack.processes()} == servers


def test_a_server_comes_back_to_its_port_or_tells_who_is_in_the_way(stack: Stack) -> None:
    address = re.search(r"127\.0\.0\.1:(\d+)", stack("up", "--only", "mongodb"))
    assert address is not None
    stack("down")
    squatter = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); input()"
    with subprocess.Popen([sys.executable, "-c", squatter, address[1]], stdin=subprocess.PIPE) as process:
        while not any(one.status == psutil.CONN_LISTEN for one in psutil.Process(process.pid).net_connections()):
            pass
        assert f"another program has taken port {address[1]}" in stack("up", "--only", "mongodb", code=1)
        process.communicate(b"\n")
    assert address[0] in stack("up", "--only", "mongodb")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["up", "--only", "kafak"], "did you mean `kafka`"),
        (["up", "--only", "connect"], "Kafka Connect needs Kafka"),
        (["up", "--write-target", "Not-A-Name"], "a target's name is a lower case letter"),
        (["kill", "s3"], "`s3` was not started; started: nothing"),
        (["restart", "s3"], "`s3` was not started; started: nothing"),
    ],
)
def test_what_makes_no_sense_starts_nothing(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = oplake("stack", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert list(tmp_path.rglob("process.json")) == []
    assert "nothing was started" in oplake("stack", "status", folder=tmp_path).stdout
