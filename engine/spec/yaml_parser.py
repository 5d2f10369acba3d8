"""YAML text becomes nodes; only the YAML that specs need, within bounds that are checked while it is scanned.

A hostile file is refused before anything is built of it: see the limits, and ``docs/checks.md`` for each rule.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    NodeEvent,
)
from ruamel.yaml.nodes import Node
from ruamel.yaml.parser import Parser

MAX_DEPTH = 32
MAX_ALIASES = 100
MAX_NODES = 5_000


class Forbidden(MarkedYAMLError):
    """YAML that a spec may not be, with the rule it breaks."""

    def __init__(self, rule: str, message: str, mark: StringMark, suggestion: str = "") -> None:
        super().__init__(problem=message, problem_mark=mark)
        self.rule = rule
        self.suggestion = suggestion


def compose(text: str) -> Node | None:
    """The root node of the only document; None of an empty one.

    Raises:
        Forbidden: the YAML breaks a rule of specs.
        MarkedYAMLError: it is not YAML.
    """
    # "safe" in its pure form: nothing is constructed, and comments cost nothing. A tag raises in BoundedParser.
    yaml = YAML(typ="safe", pure=True)
    yaml.Parser = BoundedParser
    yaml.composer.warn_double_anchors = False  # the parser refuses them
    root: Node | None = yaml.compose(text)
    return root


class BoundedParser(Parser):
    """Checks each event on its way to the composer."""

    def __init__(self, loader: Any) -> None:  # noqa: ANN401 - ruamel's signature
        super().__init__(loader)
        self.depth = self.aliases = self.nodes = self.documents = 0
        self.anchors: set[str] = set()

    def get_event(self) -> Event:
        """The next event, when it breaks no rule."""
        event: Event = super().get_event()
        self._count(event)
        if isinstance(event, AliasEvent):
            self.aliases += 1
            if self.aliases > MAX_ALIASES:
                raise Forbidden("too-many-aliases", f"more than {MAX_ALIASES} aliases", event.start_mark)
        else:
            self._check_properties(event)
        return event

    def _count(self, event: Event) -> None:
        self.nodes += isinstance(event, NodeEvent)
        if isinstance(event, CollectionStartEvent):
            self.depth += 1
        elif isinstance(event, CollectionEndEvent):
            self.depth -= 1
        elif isinstance(event, DocumentStartEvent):
            self._check_document(event)
        if self.depth > MAX_DEPTH:
            raise Forbidden("too-deep", f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        if self.nodes > MAX_NODES:
            raise Forbidden("too-large", f"more than {MAX_NODES:,} keys and values", event.start_mark)

    def _check_document(self, event: DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            help_text = "put it into a file of its own"
            raise Forbidden("several-documents", "a second document starts here", event.start_mark, help_text)
        if event.version or event.tags:
            raise Forbidden(
                "yaml-directive", "directives (%YAML, %TAG) are not allowed", event.start_mark, "delete them"
            )

    def _check_properties(self, event: Event) -> None:
        if getattr(event, "tag", None) is not None:
            raise Forbidden("yaml-tag", "tags (`!...`) are not allowed", event.start_mark, "write the plain value")
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            if anchor in self.anchors:
                message = "an anchor of this name is already set"
                raise Forbidden("duplicate-anchor", message, event.start_mark, "give it another name")
            self.anchors.add(anchor)
