"""How files are read: every place is right, whatever the encoding, the line ends and the style."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.spec.diagnostics import Refused
from engine.spec.yaml_text import read_text
from engine.spec.yaml_tree import Tree, parse
from tests.spec.projects import PIPELINE, headings, load, of_pipeline, problems


def tree(text: str) -> Tree:
    return parse("f.yaml", text)


def place(text: str, *path: str | int) -> str:
    span = tree(text).values[path]
    return text.splitlines()[span.line - 1][span.column - 1 : span.column - 1 + span.length]


def test_every_value_knows_where_it_stands() -> None:
    text = "a: {b: [x, 'y z', \"w\"]}\nc:\n  - d: 10s\n"
    assert place(text, "a", "b", 0) == "x"
    assert place(text, "a", "b", 1) == "'y z'"
    assert place(text, "a", "b", 2) == '"w"'
    assert place(text, "c", 0, "d") == "10s"
    assert tree(text).keys["c",].line == 2


def test_columns_count_characters_not_bytes(tmp_path: Path) -> None:
    text = 'pipeline: users\nsource: {collections: ["größe.日本", 5]}\n'
    assert of_pipeline(tmp_path, text) == [
        "2:36: error[wrong-type] item 2 of `collections` has to be text, not a number"
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_counts_as_one(end: str, tmp_path: Path) -> None:
    text = end.join(["# one", "pipeline: users", "source: {collections: [shop.users]}", "mode: history", ""])
    [found] = problems(tmp_path, {"pipelines/p.yaml": text})
    assert (found.span.line, found.span.column, found.snippet) == (4, 1, "mode: history")


def test_values_are_what_yaml_1_2_says() -> None:
    read = tree(
        "a: yes\nb: 'true'\nc: true\nd: 0x10\ne: 1_000\nf: 012\ng: 2024-01-01\nh: ~\ni: 1.5\nj: '5'\nk: off\n"
    ).data
    assert read == {
        "a": "yes", "b": "true", "c": True, "d": 16, "e": 1000, "f": 12, "g": "2024-01-01", "h": None, "i": 1.5,
        "j": "5", "k": "off",
    }  # fmt: skip


def test_an_alias_is_the_value_of_its_anchor(tmp_path: Path) -> None:
    text = PIPELINE + "table:\n  fields:\n    email: &hidden {mask: sha256}\n    phone: *hidden\n"
    fields = load(tmp_path, {"pipelines/p.yaml": text}).pipelines["users"].table.fields
    assert fields["phone"].mask == "sha256"


def test_a_bom_is_told_and_the_rest_of_the_file_checked(tmp_path: Path) -> None:
    found = of_pipeline(tmp_path, f"\ufeff{PIPELINE}mode: history\n")
    assert found == [
        "1:1: error[byte-order-mark] the file starts with a byte-order mark",
        "3:1: error[unknown-key] unknown key `mode`",
    ]


def test_utf_16_is_named(tmp_path: Path) -> None:
    [found] = problems(tmp_path, {"pipelines/p.yaml": PIPELINE.encode("utf-16")})
    assert found.heading() == "specs/pipelines/p.yaml:1:1: error[not-utf-8] the file is UTF-16, not UTF-8"


def test_bytes_that_are_not_utf_8_have_a_place() -> None:
    with pytest.raises(Refused, match=r"f\.yaml:2:4: error\[not-utf-8\] the byte 0xff is not UTF-8"):
        read_text("f.yaml", "é\nàéb".encode() + b"\xff\n")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "   \n", "---\n...\n"])
def test_a_file_without_a_spec_is_told(text: str, tmp_path: Path) -> None:
    [found] = headings(tmp_path, {"pipelines/p.yaml": text})
    assert "error[empty-file]" in found or "error[wrong-type] a spec has to be a mapping" in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a:\n\tb: 1\n", "2:1: error[yaml-syntax] a tab stands where YAML wants spaces"),
        ("a: 'b\nc: d\n", "1:4: error[yaml-syntax] the quote that opens here is never closed"),
        ("a: [b, c\nd: e\n", "1:4: error[yaml-syntax] the `[` that opens here is not closed before the next key"),
        ("a: {b: c\n", "1:4: error[yaml-syntax] the `{` that opens here is never closed"),
        ("a: b: c\n", "1:5: error[yaml-syntax] a `:` does not fit here"),
        ("a: 1\nb\nc: 2\n", "2:1: error[yaml-syntax] this line is no `key: value`"),
        ("a: - b\n", "1:4: error[yaml-syntax] a list item cannot start here"),
        ("a: @b\n", "1:4: error[yaml-syntax] a plain value cannot start with '@'"),
        ("a: *b\n", "1:4: error[undefined-alias] no anchor of this name stands before this alias"),
        ("a: [*]\n", "1:5: error[yaml-syntax] `*` starts the name of an alias"),
        ("a: 'it's'\n", "1:8: error[yaml-syntax] this follows a value that ended already"),
        ("a: [b]]\n", "1:7: error[yaml-syntax] this `]` closes nothing"),
        ("a:\n  b: 1\n c: 2\n", "3:2: error[yaml-syntax] the indentation fits none of the lines above"),
        ("a: [1,,2]\n", "1:7: error[yaml-syntax] a value is missing before this comma"),
        ('a: "\\q"\n', "1:6: error[yaml-syntax] `\\q` is no escape in double quotes"),
        ("a: b\n---\nc: d\n", "2:1: error[several-documents] a second document starts here"),
        ("%YAML 1.1\n---\na: b\n", "2:1: error[yaml-directive] directives (%YAML, %TAG) are not allowed"),
        ("a: !!str b\n", "1:4: error[yaml-tag] tags (`!...`) are not allowed"),
        ("!x\na: b\n", "1:1: error[yaml-tag] tags (`!...`) are not allowed"),
        ("a: !!python/object/apply:os.system [x]\n", "1:4: error[yaml-tag] tags (`!...`) are not allowed"),
        ("a: b\x00c\n", "1:5: error[invisible-character] the invisible character U+0000 is not allowed"),
        ("a: b\u2028c: d\n", "1:5: error[invisible-character] the invisible character U+2028 is not allowed"),
        ("a: \x1b[31mred\n", "1:4: error[invisible-character] the invisible character U+001B is not allowed"),
        ('a: "\\ud800"\n', "1:4: error[invisible-character] half a surrogate pair is no character"),
    ],
)
def test_broken_yaml_is_explained_at_its_place(text: str, problem: str, tmp_path: Path) -> None:
    assert any(line.startswith(problem) for line in of_pipeline(tmp_path, text))


def test_an_anchor_set_twice_is_an_error_and_no_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    assert "duplicate-anchor" in of_pipeline(tmp_path, "a: &x 1\nb: &x 2\n")[0]
    assert not recwarn.list


def test_a_duplicate_key_does_not_end_the_check(tmp_path: Path) -> None:
    found = of_pipeline(tmp_path, PIPELINE + "table: {mode: current}\ntable: {mode: history}\nmode: x\n")
    assert [line.split("]")[0] for line in found] == ["4:1: error[duplicate-key", "5:1: error[unknown-key"]
