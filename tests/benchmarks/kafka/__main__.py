"""Measure the Kafka transport and print a Markdown table.

python -m tests.benchmarks.kafka                         all of it (about fifteen minutes)
python -m tests.benchmarks.kafka --messages 100000       a smaller topic
python -m tests.benchmarks.kafka --only append           cases whose name holds the text
python -m tests.benchmarks.kafka --spark                 Spark Structured Streaming on the same topic, too
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.stack.kafka import KafkaBroker
from engine.stack.s3 import S3Store, local_store
from tests.benchmarks.kafka import spark
from tests.benchmarks.kafka.lake import TOPIC, Cost, Project
from tests.benchmarks.kafka.latency import delays_s
from tests.benchmarks.kafka.limits import consume_only, write_parquet
from tests.benchmarks.kafka.load import Bodies, Load, create_topic, fill
from tests.benchmarks.machine import describe

BASE_ROWS_A_MESSAGE = 2
_HEAD = (
    "| what | events/s, whole command | first to last commit | seconds | processor seconds | peak memory of a process |"
    "\n|---|--:|--:|--:|--:|--:|"
)
STEADY_RATE, STEADY_S = 5_000, 60


@dataclass(frozen=True, slots=True)
class Bench:
    """Running servers and a topic of inserts."""

    folder: Path
    broker: KafkaBroker
    store: S3Store
    count: int

    def fresh(self, name: str, *, mode: str = "changes", on_s3: bool = False) -> Project:
        """A project with an empty table."""
        store = self.store if on_s3 else None
        return Project.make(self.folder / name, self.broker.bootstrap_servers, mode=mode, store=store)


def main() -> int:
    """Measure what was asked for; 0 when every case ran."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(prog="make bench-kafka", description="Measure the Kafka transport.")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--spark", action="store_true", help="measure the peer, too (fetches Spark)")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="oplake-bench-") as name,
        KafkaBroker(Path(name) / "kafka", heap_mb=1024) as broker,
        local_store(Path(name) / "s3") as store,
    ):
        bench = Bench(Path(name), broker, store, options.messages)
        create_topic(broker.bootstrap_servers, TOPIC)
        size = fill(broker.bootstrap_servers, TOPIC, Load(options.messages), Bodies())
        print("\n".join(f"- {fact}" for fact in describe()), "\n")
        print(f"{options.messages:,} messages of {size / options.messages:,.0f} bytes, 4 partitions, one broker\n")
        print(_HEAD)
        cases = CASES | ({"peer: Spark Structured Streaming, append, local disk": _spark} if options.spark else {})
        for case, measure in cases.items():
            if options.only in case:
                print(_row(case, measure(bench), bench.count), flush=True)
        if options.only in "latency":
            print(_latency(bench))
    return 0


def _row(case: str, cost: Cost, count: int) -> str:
    memory = f"{cost.peak_bytes / 1e6:,.0f} MB" if cost.peak_bytes else ""
    processor = f"{cost.cpu_s:.1f}" if cost.cpu_s else ""
    steady = f"{cost.steady_rate:,.0f}" if cost.steady_rate else ""
    return f"| {case} | {count / cost.seconds:,.0f} | {steady} | {cost.seconds:.1f} | {processor} | {memory} |"


def _consume(bench: Bench) -> Cost:
    return Cost(consume_only(bench.broker.bootstrap_servers, TOPIC, bench.count))


def _write(bench: Bench) -> Cost:
    """The rows are those of the last append to the disk, or of one that is not measured."""
    rows = bench.folder / "append-1-disk" / "lake"
    if not rows.exists():
        _append(1, on_s3=False)(bench)
    return Cost(write_parquet(rows, bench.folder / "parquet"))


def _append(workers: int, *, on_s3: bool) -> Callable[[Bench], Cost]:
    name = f"append-{workers}-{'s3' if on_s3 else 'disk'}"
    return lambda bench: bench.fresh(name, on_s3=on_s3).catch_up(workers)


def _current(*, on_s3: bool) -> Callable[[Bench], Cost]:
    """The topic's inserts, then as many again, are the table; then changes arrive, three in ten of them updates.

    They come through a topic of their own: all cases read the same topic, and none of these changes is theirs.
    """
    name = f"current_{'s3' if on_s3 else 'disk'}"

    def measure(bench: Bench) -> Cost:
        servers, count, bodies = bench.broker.bootstrap_servers, bench.count, Bodies()
        project = bench.fresh(name, mode="current", on_s3=on_s3)
        topic = project.rename(name)
        create_topic(servers, topic)
        rows = BASE_ROWS_A_MESSAGE * count
        fill(servers, topic, Load(rows), bodies)
        project.catch_up(2)
        fill(servers, topic, Load(count, rows, rows, updates_of=rows, update_share=0.3), bodies)
        return project.catch_up(2)

    return measure


def _spark(bench: Bench) -> Cost:
    return spark.append(bench.broker.bootstrap_servers, TOPIC, bench.folder / "spark")


def _latency(bench: Bench) -> str:
    project = bench.fresh("steady", mode="current")
    topic = project.rename("steady")
    create_topic(bench.broker.bootstrap_servers, topic)
    found = delays_s(project, bench.broker.bootstrap_servers, topic, STEADY_RATE, STEADY_S)
    half, most = np.percentile(found, [50, 99])
    return (
        f"\nFrom the broker's clock to the visible commit, {STEADY_RATE:,} events/s for {STEADY_S} s, "
        f"start-up not counted, `max_age: 2s`: p50 {half:.2f} s, p99 {most:.2f} s."
    )


CASES: dict[str, Callable[[Bench], Cost]] = {
    "limit: consume only, one process": _consume,
    "append, 1 worker, local disk": _append(1, on_s3=False),
    "append, 2 workers, local disk": _append(2, on_s3=False),
    "append, 2 workers, S3": _append(2, on_s3=True),
    "limit: the same rows as plain Parquet, local disk, one process": _write,
    "current, 2 workers, 30% updates of twice as many rows, local disk": _current(on_s3=False),
    "current, 2 workers, 30% updates of twice as many rows, S3": _current(on_s3=True),
}


if __name__ == "__main__":
    sys.exit(main())
