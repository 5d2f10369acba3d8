"""docs/checks.md has each rule, and its examples print what it says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from engine.spec.diagnostics import Diagnostic
from engine.spec.rules import RULES
from engine.spec.yaml_parser import MAX_ALIASES, MAX_DEPTH, MAX_NODES
from engine.spec.yaml_text import MAX_BYTES
from tests.spec.projects import PIPELINE, problems, shown

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8") if (ROOT / "docs" / "checks.md").is_file() else ""
PATH = re.compile(r"^# specs/(\S+)$", re.MULTILINE)
USERS = "pipelines/users.yaml"

# Files that a page cannot show.
GENERATED: Mapping[str, Mapping[str, str | bytes]] = {
    "unreadable-file": {USERS: PIPELINE},
    "file-too-large": {USERS: "#" * (MAX_BYTES + 1)},
    "not-utf-8": {USERS: 'pipeline: users\nsource: {collections: ["shop.café"]}\n'.encode("latin-1")},
    "byte-order-mark": {USERS: f"\ufeff{PIPELINE}"},
    "invisible-character": {USERS: "pipeline: us\u202eers\nsource: {collections: [shop.users]}\n"},
    "too-deep": {USERS: "table: " + "[" * (MAX_DEPTH + 1)},
    "too-large": {USERS: "table: [" + "1, " * MAX_NODES + "1]"},
    "too-many-aliases": {USERS: "table: &a [1]\nbatch: [" + "*a, " * MAX_ALIASES + "*a]"},
}


def sections() -> dict[str, str]:
    """Rule -> its part of the page."""
    _, *parts = re.split(r"^### ", PAGE, flags=re.MULTILINE)
    return {part.partition("\n")[0]: re.split(r"^## ", part, flags=re.MULTILINE)[0] for part in parts}


def blocks(section: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", section, flags=re.DOTALL)


def diagnose(root: Path, rule: str, examples: Sequence[str]) -> tuple[Diagnostic, ...]:
    """The problems of an example's files; the page names each in a comment."""
    files: dict[str, str | bytes | None] = dict(GENERATED.get(rule, {}))
    for text in examples:
        name = PATH.search(text)
        assert name, f"the example of {rule} does not say which file it is"
        files[name[1]] = text
    if rule == "no-target":
        files["targets/local.yaml"] = None
    with pytest.MonkeyPatch.context() as patch:
        if rule == "unreadable-file":
            refuse_to_open(patch, "users.yaml")
        return problems(root, files, is_resolved=rule == "undefined-reference")


def test_the_page_has_every_rule_and_no_other_in_one_order() -> None:
    assert list(sections()) == list(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_an_example_prints_what_the_page_says(rule: str, tmp_path: Path) -> None:
    section = sections()[rule]
    found = diagnose(tmp_path, rule, blocks(section, "yaml"))

    assert RULES[rule] in section
    assert rule in {one.rule for one in found}
    if blocks(section, "yaml"):
        assert {one.rule for one in found} == {rule} or rule == "unknown-key"
    assert blocks(section, "text") == [shown(found) + "\n"]


def refuse_to_open(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As the operating system does without permission; tests may run as root, whom nothing is refused."""
    really_open = Path.open

    def refuse(path: Path, mode: str = "r") -> object:
        if path.name == name and mode == "rb":
            raise PermissionError(13, "Permission denied")
        return really_open(path, mode)

    monkeypatch.setattr(Path, "open", refuse)
