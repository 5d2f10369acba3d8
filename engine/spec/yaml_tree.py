"""YAML text becomes plain data in which every key and value knows its place in the file.

Only the YAML that specs need is accepted: one document, no tags, no duplicate or merge keys, and bounds on size,
depth, aliases and nodes, so that a hostile file is refused in well under a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.events import AliasEvent, Event
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from engine.spec.diagnostics import Diagnostic, Span

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_ALIASES = 100
MAX_NODES = 10_000

Path: TypeAlias = "tuple[str | int, ...]"
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Tree:
    """A file's data and places."""

    file: str
    lines: tuple[str, ...]
    data: Any
    keys: Mapping[Path, Span]
    """Path of a mapping's entry -> where its key stands."""
    values: Mapping[Path, Span]
    """Path -> where its value starts."""
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
            span = self.keys.get(path) or self.values.get(path)
        span = span or Span(self.file, 1, 1)
        return Diagnostic(span, rule, message, suggestion, line_at(self.lines, span.line))


class Refused(Exception):
    """The text is not YAML that a spec may be; carries the problems."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(found.heading() for found in diagnostics))
        self.diagnostics = diagnostics


def line_at(lines: tuple[str, ...], number: int) -> str:
    """The text of a line, counted from 1; empty past the end."""
    return lines[number - 1] if 0 < number <= len(lines) else ""


def scalars(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:  # noqa: ANN401 - whatever the YAML says
    """Every text in a file's data, with its path."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from scalars(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from scalars(value, (*path, index))
    elif isinstance(data, str):
        yield path, data


def parse(file: str, content: bytes) -> Tree:
    """Read one file.

    Raises:
        Refused: the file cannot be read any further.
    """
    reader = _Reader(file)
    return reader.read(content)


@dataclass(slots=True)
class _Reader:
    file: str
    lines: tuple[str, ...] = ()
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    nodes: int = 0

    def read(self, content: bytes) -> Tree:
        text = self._text(content)
        self.lines = tuple(text.splitlines())
        try:
            self._check_events(YAML(typ="rt", pure=True).parse(text))
            root = YAML(typ="rt", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._refused(mark, "yaml-syntax", error.problem or "not valid YAML") from None
        except (YAMLError, ValueError, RecursionError) as error:
            message = str(error).partition("\n")[0] or "not valid YAML"
            raise Refused(self._at(1, 1, "yaml-syntax", message)) from None
        if root is None:
            raise Refused(self._at(1, 1, "empty-file", "the file holds no spec"))
        data = self._build(root, ())
        places = MappingProxyType(self.keys), MappingProxyType(self.values)
        return Tree(self.file, self.lines, data, *places, tuple(self.problems))

    def _text(self, content: bytes) -> str:
        if len(content) > MAX_BYTES:
            message = f"the file has {len(content):,} bytes; a spec may have {MAX_BYTES:,}"
            raise Refused(self._at(1, 1, "file-too-large", message))
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
            raise Refused(self._at(line, column, "not-utf-8", "the file is not UTF-8 here")) from None

    def _check_events(self, events: Iterator[Event]) -> None:
        """Bound the file while it is scanned, before anything is built of it."""
        depth = aliases = documents = 0
        for count, event in enumerate(events):
            kind = type(event).__name__
            depth += kind in ("MappingStartEvent", "SequenceStartEvent")
            depth -= kind in ("MappingEndEvent", "SequenceEndEvent")
            aliases += isinstance(event, AliasEvent)
            documents += kind == "DocumentStartEvent"
            if depth > MAX_DEPTH:
                raise self._refused(event.start_mark, "too-deep", f"nested deeper than {MAX_DEPTH} levels")
            if aliases > MAX_ALIASES:
                raise self._refused(event.start_mark, "too-many-aliases", f"more than {MAX_ALIASES} aliases")
            if count > 2 * MAX_NODES:
                raise self._refused(event.start_mark, "too-large", f"more than {MAX_NODES:,} keys and values")
            if documents > 1:
                message = "a second document; a file holds one spec"
                raise self._refused(event.start_mark, "several-documents", message)
            tag = getattr(event, "tag", None)
            if tag is not None:
                raise self._refused(event.start_mark, "yaml-tag", f"the tag {tag} is not allowed")

    def _build(self, node: Node, path: Path) -> Any:  # noqa: ANN401 - whatever the YAML says
        self.nodes += 1
        if self.nodes > MAX_NODES:
            message = f"its aliases expand to more than {MAX_NODES:,} keys and values"
            raise self._refused(node.start_mark, "too-large", message)
        self.values.setdefault(path, self._span(node))
        if isinstance(node, MappingNode):
            return self._build_mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._build_scalar(node)

    def _build_mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._problem(key_node, "wrong-type", "a key has to be a plain name")
                continue
            key = key_node.value
            span = self._span(key_node)
            if key == "<<":
                self._problem(key_node, "merge-key", "merge keys (<<) are not allowed: write the keys out")
                continue
            if key in data:
                first = self.keys[*path, key]
                self._problem(key_node, "duplicate-key", f"`{key}` is given twice; first in line {first.line}")
                continue
            self.keys[*path, key] = span
            data[key] = self._build(value_node, (*path, key))
        return data

    def _build_scalar(self, node: Node) -> object:
        tag = str(node.tag).removeprefix(_TAG)
        text = node.value
        try:
            return _SCALARS.get(tag, str)(text)
        except ValueError:
            return text

    def _span(self, node: Node) -> Span:
        start, end = node.start_mark, node.end_mark
        length = end.column - start.column if end.line == start.line else 0
        rest = len(line_at(self.lines, start.line + 1)) - start.column
        return Span(self.file, start.line + 1, start.column + 1, max(1, length or rest))

    def _problem(self, node: Node, rule: str, message: str) -> None:
        span = self._span(node)
        self.problems.append(Diagnostic(span, rule, message, "", line_at(self.lines, span.line)))

    def _at(self, line: int, column: int, rule: str, message: str) -> Diagnostic:
        return Diagnostic(Span(self.file, line, column), rule, message, "", line_at(self.lines, line))

    def _refused(self, mark: StringMark | None, rule: str, message: str) -> Refused:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Refused(self._at(line, column, rule, message))


def _read_bool(text: str) -> bool:
    return text.lower() == "true"


def _read_int(text: str) -> int:
    return int(text.replace("_", ""), 0 if text.lstrip("+-")[:2] in ("0x", "0o") else 10)


_SCALARS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {"null": lambda _: None, "bool": _read_bool, "int": _read_int, "float": float, "str": str}
)
