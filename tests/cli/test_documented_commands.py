"""Every command line of the documents is one that oplake takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from engine.cli.main import cli
from tests.deploy.command_lines import require_understood

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "deploy").rglob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
STARTS = re.compile(r"(?:^|[;&|(] ?|-- |exec \S+ )oplake (.*)")
SPAN = re.compile(r"`(oplake [^`]+)`")
PLACES = {
    "N": "4",
    "NAME": "name",
    "ID": "1",
    "RUN": "1",
    "[PIPELINE]...": "orders",
    "TIME": "2026-01-01",
    "FILE": "report.html",
}
"""What stands for a value of yours, where a name would not do."""


def commands(page: Path) -> list[str]:
    """From ``oplake`` to the end of the command: in blocks of shell text, and between backticks."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    shell = [
        f"oplake {rest}" for line in lines for rest in re.findall(r"(?:^|[;&|(] ?|-- |exec \S+ )oplake (.*)", line)
    ]
    return [re.split(r" && | \| |;| > |\s#", one)[0] for one in [*shell, *SPAN.findall(text)]]


def test_commands_are_found_in_blocks_and_between_backticks() -> None:
    found = commands(ROOT / "docs" / "operations.md")
    assert {"oplake state upgrade", "oplake jobs --break-lock"} <= set(map(str.strip, found))
    assert "oplake keys create ann --role admin --target production" in found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_is_understood(page: Path) -> None:
    for command in commands(page):
        words = [PLACES.get(word, word) for word in shlex.split(command.replace(" ...", ""))[1:]]
        if not is_name(words):
            require_understood(words)


def is_name(words: list[str]) -> bool:
    """Whether a command is only spoken of, without what it takes."""
    command: click.Command | None = cli
    for word in words:
        command = command.get_command(click.Context(cli), word) if isinstance(command, click.Group) else None
    return command is not None
