"""YAML text becomes plain data in which every key and value knows its place in the file."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeAlias

from ruamel.yaml.error import StringMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from engine.secrets.template import Template
from engine.spec.diagnostics import Diagnostic, Refused, Span, clipped, is_word
from engine.spec.yaml_parser import MAX_DEPTH, MAX_NODES, compose
from engine.spec.yaml_syntax import syntax_problem
from engine.spec.yaml_text import split_lines

Path: TypeAlias = "tuple[str | int, ...]"
Extent: TypeAlias = "tuple[int, int, int, int]"
"""First line, first column, last line, the column after the last: all count from 0."""

_TAG = "tag:yaml.org,2002:"
_MAX_DIGITS = 100


@dataclass(frozen=True, slots=True)
class Tree:
    """A file's data and places."""

    file: str
    lines: tuple[str, ...]
    """The text, for people: secrets in it are hidden."""
    data: Any
    keys: Mapping[Path, Span]
    """Path of a mapping's entry -> where its key stands."""
    values: Mapping[Path, Span]
    """Path -> where its value starts."""
    extents: Mapping[Path, Extent]
    """Path of a scalar -> all of the text that it is written with."""
    problems: tuple[Diagnostic, ...] = ()
    """What is wrong with the YAML itself, where the rest of the file could still be read."""

    def diagnostic(
        self, path: Path, rule: str, message: str, suggestion: str = "", *, at_key: bool = False
    ) -> Diagnostic:
        """A problem at a path, or at the nearest thing above it that is in the file."""
        places = self.keys if at_key else self.values
        span = places.get(path)
        while span is None and path:
            path = path[:-1]
            span = self.keys.get(path)
        span = span or self.values.get(()) or Span(self.file, 1, 1)
        return Diagnostic(span, rule, clipped(message), clipped(suggestion)).shown_with(self.lines)

    def with_lines(self, lines: tuple[str, ...]) -> Tree:
        """The same tree, shown with other lines."""
        return replace(self, lines=lines, problems=tuple(found.shown_with(lines) for found in self.problems))


def scalars(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:  # noqa: ANN401 - whatever the YAML says
    """Every text in a file's data, with its path."""
    for place, value in leaves(data, path):
        if isinstance(value, str):
            yield place, value


def leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, object]]:  # noqa: ANN401 - whatever the YAML says
    """Every scalar in a file's data, with its path."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from leaves(value, (*path, index))
    else:
        yield path, data


def value_at(data: Any, path: Path) -> Any:  # noqa: ANN401 - whatever the YAML says
    """What a spec's data has at a path; None where it ends before."""
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def parse(file: str, text: str, folder: pathlib.Path = pathlib.Path()) -> Tree:
    """Read the text of one file.

    Args:
        folder: what relative paths in references are relative to.

    Raises:
        Refused: the file cannot be read any further.
    """
    try:
        root = compose(text)
    except (YAMLError, ValueError, RecursionError) as error:
        # ValueError and RecursionError: what the library itself lets through of odd input.
        known = error if isinstance(error, YAMLError | ValueError) else ValueError("it is nested too deeply")
        raise Refused(syntax_problem(file, known)) from None
    if root is None:
        suggestion = "write a spec (`oplake init` writes some to start from), or delete the file"
        raise Refused(Diagnostic(Span(file, 1, 1), "empty-file", "the file holds no spec", suggestion))
    return _Builder(file, split_lines(text), folder).tree(root)


@dataclass(slots=True)
class _Builder:
    file: str
    lines: tuple[str, ...]
    folder: pathlib.Path
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)
    extents: dict[Path, Extent] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    nodes: int = 0

    def tree(self, root: Node) -> Tree:
        data = self._build(root, ())
        tree = Tree(
            self.file,
            self.lines,
            data,
            MappingProxyType(self.keys),
            MappingProxyType(self.values),
            MappingProxyType(self.extents),
            tuple(self.problems),
        )
        return tree.with_lines(self.lines)

    def _build(self, node: Node, path: Path) -> Any:  # noqa: ANN401 - whatever the YAML says
        self.nodes += 1
        span = self._span(node)
        if self.nodes > MAX_NODES:
            message = f"its aliases expand to more than {MAX_NODES:,} keys and values"
            raise Refused(Diagnostic(span, "too-large", message))
        if len(path) > MAX_DEPTH:
            # An alias may hold itself.
            raise Refused(Diagnostic(span, "too-deep", f"its aliases expand to more than {MAX_DEPTH} levels"))
        self.values[path] = span
        if isinstance(node, MappingNode):
            return self._build_mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._build(item, (*path, index)) for index, item in enumerate(node.value)]
        start, end = node.start_mark, node.end_mark
        self.extents[path] = (start.line, start.column, end.line, end.column)
        return self._build_scalar(node, span)

    def _build_mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            span = self._span(key_node)
            if not isinstance(key_node, ScalarNode):
                self._problem(span, "complex-key", "a key has to be a plain name", "quote it if it holds [ or {")
                continue
            key = key_node.value
            if key == "<<":
                self._problem(span, "merge-key", "merge keys (`<<`) are not allowed", "write the keys out")
                continue
            if key in data:
                first = self.keys[*path, key]
                shown = f"the key `{key}`" if is_word(key) else "this key"
                message = f"{shown} is given twice; first in line {first.line}"
                self._problem(span, "duplicate-key", message, "delete one of the two")
                continue
            self.keys[*path, key] = span
            data[key] = self._build(value_node, (*path, key))
        return data

    def _build_scalar(self, node: Node, span: Span) -> object:
        text: str = node.value
        try:
            value = _SCALARS.get(str(node.tag).removeprefix(_TAG), str)(text)
        except ValueError:  # too many digits, or .inf as YAML writes it
            return text
        if isinstance(value, str):
            if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
                self._problem(span, "invisible-character", "half a surrogate pair is no character", "delete the escape")
                return value.encode("utf-8", "replace").decode()
            return Template(value, str(span), self.folder) if "${" in value else value
        return value

    def _span(self, node: Node) -> Span:
        start, end = node.start_mark, self._end(node)
        is_one_line = end is not None and end.line == start.line
        length = end.column - start.column if end is not None and is_one_line else self._rest_of_line(start)
        return Span(self.file, start.line + 1, start.column + 1, max(1, length))

    def _end(self, node: Node) -> StringMark | None:
        end: StringMark | None = node.end_mark
        return end

    def _rest_of_line(self, mark: StringMark) -> int:
        return len(self.lines[mark.line]) - mark.column if mark.line < len(self.lines) else 0

    def _problem(self, span: Span, rule: str, message: str, suggestion: str = "") -> None:
        self.problems.append(Diagnostic(span, rule, clipped(message), suggestion))


def _read_bool(text: str) -> bool:
    return text.lower() == "true"


def _read_int(text: str) -> int:
    if len(text) > _MAX_DIGITS:  # int() reads hexadecimal digits of any number, and str() then fails on the result
        raise ValueError("more digits than any number of a spec has")
    return int(text.replace("_", ""), 0 if text.lstrip("+-")[:2] in ("0x", "0o") else 10)


_SCALARS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {"null": lambda _: None, "bool": _read_bool, "int": _read_int, "float": float, "str": str}
)
