"""Every rule that a spec can break: its identifier and one sentence. ``docs/checks.md`` has an example of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

RULES: Mapping[str, str] = MappingProxyType(
    {
        # the file
        "unreadable-file": "The file cannot be read.",
        "file-too-large": "A spec has at most 128 KiB.",
        "not-utf-8": "A spec is UTF-8.",
        "byte-order-mark": "A spec does not start with a byte-order mark.",
        "invisible-character": "A spec holds no character that nobody sees.",
        "empty-file": "A file holds a spec.",
        "misplaced-file": "Targets are in specs/targets, pipelines in specs/pipelines, saved queries in specs/queries.",
        # the YAML
        "yaml-syntax": "The file is YAML.",
        "several-documents": "A file holds one YAML document.",
        "yaml-directive": "A spec needs no YAML directives.",
        "yaml-tag": "A spec holds plain values, without tags.",
        "too-deep": "A spec is nested at most 32 levels deep.",
        "too-large": "A spec has at most 5,000 keys and values, its aliases written out.",
        "too-many-aliases": "A spec has at most 100 aliases.",
        "undefined-alias": "An alias names an anchor that stands before it.",
        "duplicate-anchor": "An anchor is set once.",
        "duplicate-key": "A key is given once in its mapping.",
        "merge-key": "Keys are written out instead of being merged.",
        "complex-key": "A key is a plain name.",
        # one key
        "unknown-key": "Every key is known: see the schemas.",
        "missing-key": "Required keys are there.",
        "empty-value": "Every key has a value.",
        "wrong-type": "A value is of the type that its key takes.",
        "unknown-value": "A value is one of those that its key takes.",
        "unknown-type": "A pinned type is one that oplake knows.",
        "bad-name": "Names consist of lower-case letters, digits and underscores.",
        "invalid-value": "A value is within the bounds and of the form that its key takes.",
        # references
        "bad-reference": "A reference is ${env:NAME}, ${file:PATH} or ${vault:MOUNT/PATH#FIELD}.",
        "misplaced-reference": "Only addresses and secrets of targets hold references.",
        "undefined-reference": "The references of the target in use have values.",
        # one target
        "one-transport": "A target has one transport.",
        "contradictory-keys": "Keys do not contradict each other.",
        "useless-key": "Every key has an effect.",
        # one pipeline
        "bad-glob": "Collections are database.collection, with * and ? as wildcards.",
        "bad-table-name": "The name of a table is a valid template.",
        "bad-field-path": "Fields are dotted paths of names.",
        "reserved-field": "Rules are for the documents' fields, not for _id and the columns that oplake adds.",
        "contradictory-rule": "Rules for fields do not contradict each other.",
        "undeclared-partition": "A partition column is declared.",
        "bad-partition": "A partition column is a top-level field, or the date of ingestion.",
        "hidden-column": "No table is partitioned or sorted by what is masked.",
        "duplicate-column": "A column is listed once.",
        # one saved query
        "bad-query": "A saved query is one SELECT that only reads the lake's views.",
        # all files together
        "no-target": "A project has a target.",
        "duplicate-target": "A target is defined once.",
        "duplicate-pipeline": "A pipeline is defined once.",
        "duplicate-query": "A saved query is defined once.",
        "duplicate-table": "No two collections become one table.",
        "unknown-target": "The target of a pipeline is defined.",
    }
)
