"""What a generator of documents offers; a distribution adds its own under ``oplake.generators``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias

from engine.datagen.seeded import Seeded

Document: TypeAlias = dict[str, Any]


class Kind(ABC):
    """One sort of document. All chance comes from ``self.seeded``, or the same seed would not repeat."""

    def __init__(self, seeded: Seeded) -> None:
        self.seeded = seeded

    @abstractmethod
    def document(self, index: int) -> Document:
        """The fields of document ``index``; an ``_id`` is put before them unless they bring their own."""

    def changed_fields(self) -> Document:
        """What an ordinary update sets: by default every field anew. Whole top-level fields:
        a path into a subdocument would fail where an edge case has put something else."""
        fields = self.document(0)
        fields.pop("_id", None)
        return fields


KindFactory: TypeAlias = Callable[[Seeded], Kind]
