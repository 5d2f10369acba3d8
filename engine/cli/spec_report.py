"""Diagnostics of specs for tools: json, sarif and the annotations of GitHub."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import quote

from engine.cli.paint import Painter
from engine.cli.spec_text import as_text
from engine.spec.diagnostics import Diagnostic
from engine.spec.rules import RULES

Format: TypeAlias = Callable[[Sequence[Diagnostic], Painter], str]
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(diagnostics: Sequence[Diagnostic], paint: Painter) -> str:  # noqa: ARG001 - one signature for all
    """An object with a list ``diagnostics``."""
    items = [found.to_json() for found in diagnostics]
    return json.dumps({"diagnostics": items}, indent=2, ensure_ascii=False) + "\n"


def as_github(diagnostics: Sequence[Diagnostic], paint: Painter) -> str:  # noqa: ARG001 - one signature for all
    """Workflow commands that annotate the lines of a pull request."""
    lines = []
    for found in diagnostics:
        span = found.span
        end = span.column + span.length
        place = f"file={_escaped(span.file, ',:')},line={span.line},col={span.column},endColumn={end}"
        lines.append(f"::error {place},title={found.rule}::{_escaped(_sentence(found))}\n")
    return "".join(lines)


def _escaped(text: str, more: str = "") -> str:
    """Escape as the workflow commands want it: percent, newlines, and in properties also commas and colons."""
    return "".join(f"%{ord(mark):02X}" if mark in "%\r\n" + more else mark for mark in text)


def _sentence(found: Diagnostic) -> str:
    return f"{found.message} ({found.suggestion})" if found.suggestion else found.message


def as_sarif(diagnostics: Sequence[Diagnostic], paint: Painter) -> str:  # noqa: ARG001 - one signature for all
    """A SARIF 2.1.0 log, as code scanning takes it."""
    rules = sorted({found.rule for found in diagnostics})
    driver = {
        "name": "oplake",
        "rules": [{"id": rule, "shortDescription": {"text": RULES[rule]}} for rule in rules],
    }
    results = [_sarif_result(found, rules.index(found.rule)) for found in diagnostics]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _sarif_result(found: Diagnostic, rule_index: int) -> dict[str, Any]:
    span = found.span
    path = Path(span.file)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    region = {"startLine": span.line, "startColumn": span.column, "endColumn": span.column + span.length}
    return {
        "ruleId": found.rule,
        "ruleIndex": rule_index,
        "level": "error",
        "message": {"text": _sentence(found)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}],
    }


FORMATS: Mapping[str, Format] = MappingProxyType(
    {"text": as_text, "json": as_json, "sarif": as_sarif, "github": as_github}
)
