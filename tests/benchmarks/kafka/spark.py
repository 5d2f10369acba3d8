"""Spark Structured Streaming with delta-spark on the same topic: the peer to beat.

Spark is fetched once into the user's cache, from a lock and a pom beside this module; it is no dependency of oplake.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from engine.stack.jars import PLUGIN
from tests.benchmarks.kafka.lake import Cost
from tests.benchmarks.measurement import in_bytes

HERE = Path(__file__).parent
COLUMNS = (
    "_id struct<`$oid`: string>, name string, email string, age int, active boolean, plan string, "
    "balance double, points struct<`$numberLong`: string>, address struct<street: string, city: string, "
    "postcode: string, country: string, location: struct<lat: double, lon: double>>, tags array<string>, "
    "created_at struct<`$date`: bigint>"
)


def append(bootstrap_servers: str, topic: str, table: Path) -> Cost:
    """Everything in the topic into a Delta table, from the start of the process to its end.

    Raises:
        RuntimeError: Spark failed.
    """
    python, jars = _home()
    words = [bootstrap_servers, topic, str(table), ",".join(map(str, sorted(jars.glob("*.jar")))), COLUMNS]
    log = table.with_suffix(".log")
    with log.open("wb") as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(python), str(HERE / "spark_append.py"), *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(log.read_text()[-3000:])
    told = json.loads(log.read_text().strip().splitlines()[-1])
    steady = told["rows"] * 1000 / told["milliseconds"]
    peak_bytes = max(told["peak_bytes"], in_bytes(usage.ru_maxrss))
    return Cost(seconds, usage.ru_utime + usage.ru_stime + told["cpu_s"], peak_bytes, steady)


def _home() -> tuple[Path, Path]:
    """(its Python, the folder of its jars)."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oplake" / "spark-4.0.1"
    python, jars, ready = base / "venv/bin/python", base / "jars", base / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(base / "venv")], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(HERE / "spark.lock")], check=True
        )
        command = ["mvn", "-B", "-q", "-f", str(HERE / "spark.pom.xml"), PLUGIN, f"-DoutputDirectory={jars}"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        ready.touch()
    return python, jars
