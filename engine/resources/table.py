"""The kind ``table``: a change log, or the current or history table that is folded from it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import LakeError
from engine.resources.change import Change
from engine.resources.resource import ABSENT, REMNANT, Desired, Observed, Verb
from engine.resources.table_act import TableSteps
from engine.resources.table_compare import PARTITION, PROPERTIES, compare_table, where_it_is
from engine.resources.table_folder import has_remnant
from engine.state.applied import Applied
from engine.state.canonical import Json


class TableKind:
    """Delta tables of one lake (``engine.resources.resource.Kind``)."""

    name = "table"

    def __init__(self, storage_options: Mapping[str, str]) -> None:
        self._options = dict(storage_options)
        self._steps = TableSteps(self._options, self._look)

    def observe(self, desired: Desired | None, applied: Applied | None) -> Observed:
        """The Delta table."""
        return self._look(where_it_is(desired, applied))

    def compare(self, desired: Desired | None, applied: Applied | None, observed: Observed) -> Change:
        """The three-way difference."""
        return compare_table(desired, applied, observed)

    def act(self, verb: Verb, change: Change, *, resumed: bool) -> Observed:
        """Carry out one step."""
        return self._steps.act(verb, change, resumed=resumed)

    def _look(self, uri: str) -> Observed:
        from engine.lake.observe import observe_table  # noqa: PLC0415  pyarrow and deltalake load late

        try:
            table = observe_table(uri, self._options)
        except LakeError:
            # A removal that was cut off in an object store leaves a log that nobody can read.
            if has_remnant(uri, self._options):
                return REMNANT
            raise
        if table is None:
            return REMNANT if has_remnant(uri, self._options) else ABSENT
        attributes: dict[str, Json] = {PARTITION: list(table.partition_by)}
        attributes |= {PROPERTIES + name: value for name, value in table.properties.items()}
        return Observed(
            exists=True,
            identity=table.id,
            attributes=attributes,
            facts={"rows": table.num_rows, "bytes": table.size_bytes, "files": table.num_files},
            columns=table.columns,
            is_ours=table.has_system_columns,
        )
