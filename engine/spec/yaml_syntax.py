"""What a YAML parser complains about, in words that help somebody who knows YAML a little."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError

from engine.spec.diagnostics import Diagnostic, Span
from engine.spec.yaml_parser import Forbidden


@dataclass(frozen=True, slots=True)
class _Wording:
    problem: str
    """Regular expression for the parser's message."""
    message: str
    suggestion: str = ""
    context: str = ""
    """Regular expression for what the parser was doing."""
    at_start: bool = False
    """Point to where that began instead of to where it failed."""
    rule: str = "yaml-syntax"


# The first that fits; `\1` in a message is a group of `problem`.
_WORDINGS = (
    _Wording(r"character '\\t' that cannot", "a tab stands where YAML wants spaces", "indent with spaces"),
    _Wording(
        r"character (['\"].['\"]) that cannot", r"a plain value cannot start with \1", "put the value into quotes"
    ),
    _Wording(
        r"mapping values are not allowed",
        "a `:` does not fit here",
        "indent the line as its neighbours are; a value that holds `: ` needs quotes",
    ),
    _Wording(
        r"sequence entries are not allowed",
        "a list item cannot start here",
        "start the item (`- `) on a line of its own, or put the value into quotes",
    ),
    _Wording(
        r"could not find expected ':'",
        "this line is no `key: value`",
        "a key ends with a colon and a space",
        at_start=True,
    ),
    _Wording(r"unexpected end of stream", "the quote that opens here is never closed", "close it", at_start=True),
    _Wording(
        r"got '<stream end>'|got ':'",
        "the `[` that opens here is not closed before the next key",
        "close it with `]`",
        context="flow sequence",
        at_start=True,
    ),
    _Wording(
        r"got '<stream end>'",
        "the `{` that opens here is never closed",
        "close it with `}`",
        context="flow mapping",
        at_start=True,
    ),
    _Wording(
        r"got ':'",
        "a `:` does not fit here",
        "close the `{` before the next key; a value that holds `: ` needs quotes",
        context="flow mapping",
    ),
    _Wording(
        r"expected ',' or '(.)', but got",
        r"a comma or the closing `\1` is missing before this",
        "put a value that holds one of [ ] { } , into quotes",
    ),
    _Wording(
        r"undefined alias",
        "no anchor of this name stands before this alias",
        "put a value that starts with `*` into quotes",
        rule="undefined-alias",
    ),
    _Wording(
        r"expected alphabetic",
        "`*` starts the name of an alias",
        "put a value that starts with `*` into quotes",
        context="scanning an alias",
        at_start=True,
    ),
    _Wording(
        r"expected alphabetic",
        "`&` starts the name of an anchor",
        "put a value that starts with `&` into quotes",
        context="scanning an anchor",
        at_start=True,
    ),
    _Wording(
        r"found '<scalar>'",
        "this follows a value that ended already",
        "put the whole value into one pair of quotes; a quote inside '...' is written ''",
        context="block mapping",
    ),
    _Wording(r"found '(\}|\])'", r"this `\1` closes nothing", "delete it"),
    _Wording(
        r"found '<block mapping start>'|found '-'|found '\?'",
        "the indentation fits none of the lines above",
        "indent keys of one mapping, and items of one list, alike",
    ),
    _Wording(r"found ','", "a value is missing before this comma", "delete the comma"),
    _Wording(
        r"unknown escape character '(.*)'",
        r"`\\\1` is no escape in double quotes",
        r"write `\\\\` for a "
        "backslash, or use single quotes",
    ),
)


# What the parser quotes of the file: it may be a secret that a slip made a name.
_QUOTED = re.compile(r"'[^']{4,}'|\"[^\"]{4,}\"")


def syntax_problem(file: str, error: YAMLError | ValueError) -> Diagnostic:
    """The problem that a parser found."""
    if isinstance(error, Forbidden):
        return Diagnostic(_span(file, error.problem_mark), error.rule, str(error.problem), error.suggestion)
    if not isinstance(error, MarkedYAMLError):
        return Diagnostic(Span(file, 1, 1), "yaml-syntax", str(error).partition("\n")[0] or "not valid YAML")
    problem, context = str(error.problem or ""), str(error.context or "")
    for wording in _WORDINGS:
        found = re.search(wording.problem, problem)
        if found and re.search(wording.context, context):
            mark = error.context_mark if wording.at_start and error.context_mark else error.problem_mark
            return Diagnostic(_span(file, mark), wording.rule, found.expand(wording.message), wording.suggestion)
    mark = error.problem_mark or error.context_mark
    return Diagnostic(_span(file, mark), "yaml-syntax", _QUOTED.sub("this", problem) or "not valid YAML")


def _span(file: str, mark: StringMark | None) -> Span:
    return Span(file, mark.line + 1, mark.column + 1) if mark else Span(file, 1, 1)
