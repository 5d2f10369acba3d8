"""Hostile files: refused in well under a second, with a diagnostic that says why.

The time is measured inside the process: it is the work that a file can cause, whatever else the machine does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from engine.cli.paint import Painter
from engine.cli.spec_text import as_text
from engine.spec.diagnostics import MAX_MESSAGE, SpecError
from engine.spec.project import load_project
from engine.spec.yaml_text import MAX_BYTES
from tests.spec.projects import write

SECONDS = 1.0
MEGABYTE = 1_000_000


def lines(text: str, length: int) -> str:
    """Numbered lines of the form ``text`` until there are so many characters."""
    pieces: list[str] = []
    size = number = 0
    while size < length:
        pieces.append(text.format(number))
        size += len(pieces[-1])
        number += 1
    return "".join(pieces)


def repeated(text: str, length: int) -> str:
    return text * (length // len(text))


def alias_bomb(width: int, levels: int) -> str:
    first = "a0: &a0 [" + ", ".join(["lol"] * width) + "]\n"
    rest = (f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * width) + "]\n" for n in range(1, levels))
    return first + "".join(rest)


@cache
def forms(size: int) -> dict[str, tuple[str, str]]:
    """Form -> text of about this size, and the rule that refuses it when the size does not."""
    return {
        "flow lists in flow lists": (repeated("[", size), "too-deep"),
        "flow maps in flow maps": (repeated("{a: ", size), "too-deep"),
        "block lists in block lists": (repeated("- ", size), "too-deep"),
        "explicit keys in explicit keys": (repeated("? ", size), "too-deep"),
        "a flat block map": (lines("k{}: 1\n", size), "too-large"),
        "a flat flow map": ("{" + lines("k{}: 1, ", size), "too-large"),
        "a flat list": ("a:\n" + repeated("- 1\n", size), "too-large"),
        "a flat flow list": ("a: [" + repeated("1, ", size), "too-large"),
        "many keys without values": (lines("? k{}\n", size), "too-large"),
        "one key again and again": (repeated("a: 1\n", size), "too-large"),
        "many anchors": (lines("k{0}: &a{0} 1\n", size), "too-large"),
        "many aliases": ("a: &a 1\nb: [" + repeated("*a, ", size), "too-many-aliases"),
        "many documents": (repeated("---\n", size), "several-documents"),
        "a long plain scalar": ("pipeline: " + repeated("x", size), "invalid-value"),
        "a long plain scalar of words": ("pipeline: " + repeated("x ", size), "invalid-value"),
        "a long quoted scalar": ('pipeline: "' + repeated("x", size) + '"', "invalid-value"),
        "a long scalar of escapes": ('pipeline: "' + repeated("\\n", size) + '"', "invalid-value"),
        "a long block scalar": ("pipeline: |\n" + repeated(" x\n", size), "invalid-value"),
        "a long folded scalar": ("pipeline: >\n" + repeated(" x\n\n", size), "invalid-value"),
        "a quoted scalar of newlines": ('pipeline: "' + repeated("\n", size) + '"', "invalid-value"),
        "a quote that never ends": ('pipeline: "' + repeated("x\n", size), "yaml-syntax"),
        "a long key": (repeated("k", size) + ": 1", "yaml-syntax"),
        "a long explicit key": ("? " + repeated("k", size) + "\n: 1", "unknown-key"),
        "a long number": ("pipeline: " + repeated("1", size), "invalid-value"),
        "a long tag": ("pipeline: !" + repeated("x", size) + " 1", "yaml-tag"),
        "a long anchor": ("pipeline: &" + repeated("x", size) + " 1", "wrong-type"),
        "nothing but comments": (repeated("#\n", size), "empty-file"),
        "nothing but empty lines": (repeated("\n", size), "empty-file"),
        "nothing but spaces": (repeated(" ", size), "empty-file"),
        "nothing but colons": (repeated(":", size), "yaml-syntax"),
        "nothing but quotes": (repeated("'", size), "wrong-type"),
        "nothing but percent signs": (repeated("%", size), "yaml-syntax"),
        "a deep indentation": ("a:\n" + repeated(" ", size) + "b: 1", "unknown-key"),
        "openings of references": ("pipeline: " + repeated("${", size), "misplaced-reference"),
        "addresses of addresses": ("pipeline: " + repeated("://", size), "invalid-value"),
        "users of addresses": ("pipeline: " + repeated("://@", size), "invalid-value"),
    }


@pytest.mark.parametrize("form", forms(1))
def test_a_hostile_file_just_small_enough_to_be_read_is_refused_in_time(form: str, tmp_path: Path) -> None:
    text, rule = forms(MAX_BYTES - 1000)[form]
    assert len(text) <= MAX_BYTES
    assert rule in refusals(tmp_path, text)


@pytest.mark.parametrize("form", forms(1))
def test_a_hostile_file_of_a_megabyte_is_refused_in_time(form: str, tmp_path: Path) -> None:
    assert refusals(tmp_path, forms(MEGABYTE)[form][0]) == ["file-too-large"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (alias_bomb(9, 10), "too-large"),
        (alias_bomb(2, 40), "too-large"),
        ("a: &a [*a]", "too-deep"),
        ("a: &a {b: *a}", "too-deep"),
        ("&a [*a, *a]", "too-deep"),
        ("table: {fields: {a: {type: '" + "list<" * 20_000 + "'}}}", "unknown-type"),
        ("table: {fields: {" + "a." * 100 + "b: {type: string}}}", "missing-key"),
        ("table: {name: '" + "{" * 100_000 + "'}", "invalid-value"),
        ("pipeline: p\nsource: {collections: [" + ", ".join(["x"] * 4000) + "]}", "bad-glob"),
        (
            "pipeline: p\nsource: {collections: [a.b]}\ntable: {partition_by: ["
            + ", ".join(f"x{n}" for n in range(4000))
            + "]}",
            "undeclared-partition",
        ),
        ("\n".join(f"pipelin{n}: 1" for n in range(2400)), "unknown-key"),
        ("\n".join(f"pipelin{n}:" for n in range(2400)), "unknown-key"),
        ("table: {fields: {" + ",".join(f"k{n}" for n in range(2400)) + "}}", "empty-value"),
    ],
    ids=lambda value: value[:24],
)
def test_a_small_file_cannot_become_much_work(text: str, rule: str, tmp_path: Path) -> None:
    assert rule in refusals(tmp_path, text)


@pytest.mark.parametrize("folder", ["targets", "pipelines"])
@pytest.mark.parametrize("form", ["://", "://@", "${", "$", "a: ", "password: ", "\\", '"', "key", " "])
def test_hiding_secrets_in_a_hostile_line_is_quick(form: str, folder: str, tmp_path: Path) -> None:
    refusals(tmp_path, "state: [" + repeated(form, MAX_BYTES - 100), folder=folder)


def refusals(root: Path, text: str, folder: str = "pipelines") -> list[str]:
    """The rules that refuse a file, once each; the time and the size of the report are checked on the way."""
    files: Mapping[str, str] = {f"{folder}/hostile.yaml": text}
    write(root, files)
    started = time.process_time()
    with pytest.raises(SpecError) as caught:
        load_project(root)
    report = as_text(caught.value.diagnostics, Painter(enabled=False))
    spent = time.process_time() - started
    assert spent < SECONDS
    assert len(report) < 100_000
    for found in caught.value.diagnostics:
        assert found.span.line >= 1
        assert found.span.column >= 1
        assert 0 < len(found.message) <= MAX_MESSAGE + 1
    return list(dict.fromkeys(found.rule for found in caught.value.diagnostics))
