"""Java programs of the stack: the command that starts one, and how it logs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from engine.errors import OperatorError
from engine.stack.jars import jar_folder
from engine.stack.java import find_java

RUN_TIMEOUT_S = 120
_LOGGING = """\
rootLogger.level=WARN
rootLogger.appenderRef.stdout.ref=STDOUT
appender.stdout.type=Console
appender.stdout.name=STDOUT
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d %p %c - %m%n
"""


def java_command(main: str, folder: Path, heap_mb: int, arguments: Sequence[str]) -> list[str]:
    """The command of a program on Kafka's class path.

    Args:
        folder: gets the logging configuration.
        heap_mb: the most memory its objects may take, MiB.
    """
    logging = folder / "log4j2.properties"
    logging.write_text(_LOGGING)
    options = [f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    return [
        find_java(),
        *options,
        f"-Dlog4j2.configurationFile={logging}",
        "-cp",
        f"{jar_folder('kafka')}/*",
        main,
        *arguments,
    ]


def run_java(main: str, folder: Path, arguments: Sequence[str]) -> None:
    """Run a program to its end.

    Raises:
        OperatorError: it failed.
    """
    done = subprocess.run(  # noqa: S603 - a program of Kafka with our own arguments
        java_command(main, folder, 128, arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines()
        raise OperatorError(f"{main} failed: {told[-1] if told else 'no reason given'}", where=str(folder))


def properties(settings: dict[str, object]) -> str:
    """A Java properties file."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())
