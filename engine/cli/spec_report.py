"""Diagnostics of specs as text for people, and as json, sarif and GitHub annotations for tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from engine.cli.paint import Painter
from engine.spec.diagnostics import Diagnostic
from engine.spec.project import Project

Format: TypeAlias = Callable[[Sequence[Diagnostic], Painter], str]
_MAX_SNIPPET = 160
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_CHECKS = "docs/checks.md"


def summary(project: Project) -> str:
    """One line about a valid project."""
    pipelines, targets = len(project.pipelines), len(project.targets)
    return (
        f"ok: {pipelines} pipeline{'s' * (pipelines != 1)} and {targets} target{'s' * (targets != 1)} "
        f"in {project.root / 'specs'}"
    )


def as_text(diagnostics: Sequence[Diagnostic], paint: Painter) -> str:
    """A heading, the line, a caret and a suggestion for each problem, and a count."""
    blocks = [_block(found, paint) for found in diagnostics]
    files = len({found.span.file for found in diagnostics})
    count = len(diagnostics)
    total = f"{count} problem{'s' * (count != 1)} in {files} file{'s' * (files != 1)}"
    return "\n".join([*blocks, f"{paint.bold(total)}; the rules are explained in {_CHECKS}\n"])


def _block(found: Diagnostic, paint: Painter) -> str:
    span = found.span
    place = f"{span.file}:{span.line}:{span.column}"
    lines = [f"{paint.bold(place)}: {paint.red(f'error[{found.rule}]')} {found.message}"]
    if found.snippet:
        snippet = found.snippet[:_MAX_SNIPPET].replace("\t", " ")
        number = str(span.line)
        gutter = paint.blue(f"{' ' * len(number)} |")
        caret = "^" * max(1, min(span.length, len(snippet) - span.column + 1))
        lines.append(f"{paint.blue(f'{number} |')} {snippet}")
        if span.column <= len(snippet) + 1:
            lines.append(f"{gutter} {' ' * (span.column - 1)}{paint.red(caret)}")
    if found.suggestion:
        lines.append(f"  {paint.dim('help:')} {found.suggestion}")
    return "\n".join(lines) + "\n"


def as_json(diagnostics: Sequence[Diagnostic], paint: Painter) -> str:  # noqa: ARG001 - one signature for all
    """An object with a list ``diagnostics``."""
    items = [
        {
            "file": found.span.file,
            "line": found.span.line,
            "column": found.span.column,
            "length": found.span.length,
            "rule": found.rule,
            "severity": "error",
            "message": found.message,
            "suggestion": found.suggestion or None,
        }
        for found in diagnostics
    ]
    return json.dumps({"diagnostics": items}, indent=2, ensure_ascii=False) + "\n"


def as_github(diagnostics: Sequence[Diagnostic], paint: Painter) -> str:  # noqa: ARG001 - one signature for all
    """Workflow commands that annotate the lines of a pull request."""
    lines = []
    for found in diagnostics:
        span = found.span
        message = f"{found.message} ({found.suggestion})" if found.suggestion else found.message
        place = f"file={_escaped(span.file, ',:')},line={span.line},col={span.column}"
        lines.append(f"::error {place},title={found.rule}::{_escaped(message)}\n")
    return "".join(lines)


def _escaped(text: str, more: str = "") -> str:
    """Escape as the workflow commands want it: percent, newlines, and in properties also commas and colons."""
    return "".join(f"%{ord(mark):02X}" if mark in "%\r\n" + more else mark for mark in text)


def as_sarif(diagnostics: Sequence[Diagnostic], paint: Painter) -> str:  # noqa: ARG001 - one signature for all
    """A SARIF 2.1.0 log, as code scanning takes it."""
    rules = sorted({found.rule for found in diagnostics})
    driver = {
        "name": "oplake",
        "informationUri": "https://github.com/oplake/oplake",
        "rules": [{"id": rule, "helpUri": f"{_CHECKS}#{rule}"} for rule in rules],
    }
    run = {"tool": {"driver": driver}, "results": [_sarif_result(found) for found in diagnostics]}
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _sarif_result(found: Diagnostic) -> dict[str, Any]:
    span = found.span
    region = {"startLine": span.line, "startColumn": span.column, "endColumn": span.column + span.length}
    place = {"artifactLocation": {"uri": span.file}, "region": region}
    message = f"{found.message}. {found.suggestion}" if found.suggestion else found.message
    return {
        "ruleId": found.rule,
        "level": "error",
        "message": {"text": message},
        "locations": [{"physicalLocation": place}],
    }


FORMATS: Mapping[str, Format] = MappingProxyType(
    {"text": as_text, "json": as_json, "sarif": as_sarif, "github": as_github}
)
