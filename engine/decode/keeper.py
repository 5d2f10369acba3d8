"""Takes what no column can hold while columns are built, under the rules of the spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from engine.decode.place import FieldPlace, Place
from engine.decode.rescue import ROOT, Reason, Rescue
from engine.decode.rules import DecodeRules
from engine.decode.values import BsonValue, Document, Undefined
from engine.decode.widths import wider, width_needed
from engine.errors import TypeConflict
from engine.spec.types import ColumnType, format_type


class Attempt:
    """The building of a new column, which may come to nothing."""

    def __init__(self) -> None:
        self.failed = False

    def fail(self) -> None:
        """Forget what was kept since the attempt began."""
        self.failed = True


class Keeper:
    """One batch's rescue, its wanted widenings, and the room left for new columns."""

    def __init__(self, rules: DecodeRules, columns: int) -> None:
        """``columns``: how many leaf columns the table has already."""
        self.rules = rules
        self.rescue = Rescue()
        self.widenings: dict[str, ColumnType] = {}
        self._columns = columns

    def has_room(self) -> bool:
        """Whether the table may get one more leaf column."""
        return self._columns < self.rules.limits.max_columns

    def claim_column(self) -> bool:
        """Take the room of one leaf column; False when there is none."""
        if not self.has_room():
            return False
        self._columns += 1
        return True

    @contextmanager
    def attempt(self) -> Iterator[Attempt]:
        """Build a new column; when the attempt fails, nothing of it is kept."""
        outer, columns = self.rescue, self._columns
        self.rescue = Rescue()
        attempt = Attempt()
        yield attempt
        if attempt.failed:
            self._columns = columns
        else:
            outer.absorb(self.rescue)
        self.rescue = outer

    def keep(self, value: BsonValue, index: int, place: Place, reason: Reason, column: ColumnType) -> None:
        """Keep one value that its column holds not at all, or not in its own type."""
        if reason in (Reason.CONFLICT, Reason.OUT_OF_RANGE) and self.rules.on_conflict == "fail":
            raise TypeConflict(
                f"a value of the class {type(value).__name__} does not fit the column "
                f"{place.column!r} of type {format_type(column)}",
                remedy="correct the document, pin another type, or set `on_conflict: rescue` in the spec",
            )
        if reason is Reason.CONFLICT and self.rules.on_conflict == "widen":
            self._want_wider(value, place, column)
        row, path = place.locate(index)
        self.rescue.keep(row, path or "", value, place.column, reason)

    def keep_stranger(self, value: BsonValue, index: int, place: Place, column: ColumnType) -> None:
        """Keep a scalar found where a document or an array belongs, or the other way round."""
        reason = Reason.UNDEFINED if type(value) is Undefined else Reason.CONFLICT
        self.keep(value, index, place, reason, column)

    def keep_all(self, values: Sequence[BsonValue], place: Place, reason: Reason) -> None:
        """Keep every value of a field that gets no column."""
        for index, value in enumerate(values):
            if value is not None:
                row, path = place.locate(index)
                self.rescue.keep(row, path or "", value, place.column, reason)

    def keep_fields(self, documents: Sequence[Document], homeless: Mapping[str, Reason], parent: Place) -> None:
        """Keep the fields that can have no column: field name -> why."""
        if not homeless:
            return
        for index, document in enumerate(documents):
            for name, value in document.items():
                if name in homeless:
                    place = FieldPlace(parent, name)
                    row, path = place.locate(index)
                    reason = Reason.NULL if value is None else homeless[name]
                    self.rescue.keep(row, path or "", value, place.column, reason)

    def keep_nulls(self, values: Sequence[BsonValue], documents: Sequence[Document], place: FieldPlace) -> None:
        """Keep explicit nulls; a None where the document has no such field is a missing field."""
        for index, value in enumerate(values):
            if value is None and place.name in documents[index]:
                self.keep_null(index, place)

    def keep_null(self, index: int, place: Place) -> None:
        """Keep one explicit null."""
        row, path = place.locate(index)
        self.rescue.keep(row, path or "", None, place.column, Reason.NULL)

    def keep_order(self, index: int, names: Sequence[str], place: Place) -> None:
        """Keep the order of the fields of one document."""
        row, path = place.locate(index)
        self.rescue.keep_order(row, ROOT if path is None else path, names, place.column)

    def _want_wider(self, value: BsonValue, place: Place, column: ColumnType) -> None:
        needed = width_needed(value, column)
        if needed is not None:
            self.widenings[place.column] = wider(self.widenings.get(place.column, needed), needed)
