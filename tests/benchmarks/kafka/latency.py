"""How long a change takes from the broker's clock to the commit that shows it, at a steady rate."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from confluent_kafka import Message

from tests.benchmarks.kafka.lake import Project
from tests.benchmarks.kafka.load import PARTITIONS, Bodies, Load, send_steadily

PATIENCE_S = 60
WARM_UP_S = 5
"""Before anything is measured: the worker has started, has its partitions, and the table its columns."""


@dataclass
class Sent:
    """When the broker got each message: partition -> (offset, milliseconds since the epoch)."""

    times: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def note(self, message: Message) -> None:
        """Called for each message that arrived."""
        partition, offset = message.partition(), message.offset()
        if partition is not None and offset is not None:
            self.times.setdefault(partition, []).append((offset, message.timestamp()[1]))


def delays_s(project: Project, bootstrap_servers: str, topic: str, rate: int, seconds: int) -> np.ndarray:
    """Seconds from message to visible commit, one a message, while one worker runs and folds."""
    with (project.folder / "run.log").open("wb") as log:
        running = subprocess.Popen(project.command(1), cwd=project.folder, stdin=subprocess.DEVNULL, stderr=log)
        try:
            bodies, sent, first = Bodies(), Sent(), rate * WARM_UP_S
            send_steadily(bootstrap_servers, topic, Load(first), bodies, rate, lambda _: None)
            _wait_for_all(project, first)
            load = Load(rate * seconds, first, new_ids_from=first)
            send_steadily(bootstrap_servers, topic, load, bodies, rate, sent.note)
            commits = _wait_for_all(project, load.first + load.count)
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(PATIENCE_S)
    return _delays(sent, commits)


def _wait_for_all(project: Project, count: int) -> list[tuple[int, dict[int, int]]]:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        commits = _commits(Path(project.paths.changes) / "_delta_log")
        if commits and sum(commits[-1][1].values()) >= count:
            return commits
        time.sleep(0.5)
    raise RuntimeError("the worker did not catch up: " + (project.folder / "run.log").read_text()[-2000:])


def _commits(folder: Path) -> list[tuple[int, dict[int, int]]]:
    """(when the file of a commit was there, ms; partition -> next offset), in order."""
    found, position = [], dict.fromkeys(range(PARTITIONS), 0)
    for path in sorted(folder.glob("*.json")):
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        for txn in (action["txn"] for action in actions if "txn" in action):
            name = str(txn["appId"]).removeprefix("oplake:kafka.")
            if name.isdecimal():
                position[int(name)] = int(txn["version"])
        found.append((path.stat().st_mtime_ns // 1_000_000, dict(position)))
    return found


def _delays(sent: Sent, commits: list[tuple[int, dict[int, int]]]) -> np.ndarray:
    parts = []
    times = np.array([time_ms for time_ms, _ in commits])
    for partition, pairs in sent.times.items():
        offsets, sent_ms = np.array(pairs).T
        reached = np.array([position[partition] for _, position in commits])
        parts.append((times[np.searchsorted(reached, offsets, side="right")] - sent_ms) / 1000)
    return np.concatenate(parts)
