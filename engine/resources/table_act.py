"""Carries out one step of a table's change; every step can be carried out twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from engine.errors import PlanRefused
from engine.lake.layout import TablePaths
from engine.resources.attributes import part, same
from engine.resources.change import Change
from engine.resources.columns import struct_from_json
from engine.resources.resource import ABSENT, Observed, Verb
from engine.resources.table_compare import PARTITION, PROPERTIES, URI
from engine.resources.table_folder import erase_table
from engine.spec.types import Struct
from engine.state.canonical import Json
from engine.telemetry.crash_points import reach

NEW_PLAN = "make a new plan: oplake plan"


class TableSteps:
    """The steps of tables in one lake. ``observe`` looks at the table at a URI."""

    def __init__(self, storage_options: Mapping[str, str], observe: Callable[[str], Observed]) -> None:
        self._options = dict(storage_options)
        self._observe = observe

    def act(self, verb: Verb, change: Change, *, resumed: bool) -> Observed:
        """As ``Kind.act``.

        Raises:
            PlanRefused: another table stands there than the one the plan was made for.
            LakeError: the lake refuses.
        """
        uri = str(change.desired[URI])
        match verb:
            case Verb.ERASE:
                return self._erase(change)
            case Verb.CREATE:
                self._create(uri, change, resumed=resumed)
                self._alter(uri, change.desired)
            case Verb.ALTER:
                self._alter(uri, change.desired)
            case Verb.FORGET:
                return ABSENT
            case Verb.RECORD:
                pass
        return self._observe(uri)

    def _erase(self, change: Change) -> Observed:
        uri = change.erases or str(change.desired[URI])
        live = self._observe(uri)
        if live.exists and live.identity != change.identity:
            raise PlanRefused(
                "another table stands here than the one the plan would delete", where=uri, remedy=NEW_PLAN
            )
        erase_table(uri, self._options)
        return ABSENT

    def _create(self, uri: str, change: Change, *, resumed: bool) -> None:
        live = self._observe(uri)
        partition_by = cast("list[str]", change.desired.get(PARTITION) or [])
        if live.exists:
            as_wanted = live.is_ours and live.attributes.get(PARTITION) == partition_by
            if not (resumed and as_wanted):
                raise PlanRefused("a table has appeared since the plan was made", where=uri, remedy=NEW_PLAN)
            return
        columns = struct_from_json(change.inferred.get("columns") or {"struct": []})
        if change.address.endswith(".log"):
            self._create_log(uri, columns, partition_by)
        else:
            self._create_folded(uri, columns, partition_by, str(change.desired["mode"]))
        reach("apply.create.bare")

    def _create_log(self, uri: str, columns: Struct, partition_by: list[str]) -> None:
        from engine.lake.change_log import ChangeLog  # noqa: PLC0415  pyarrow and deltalake load late

        ChangeLog.create(uri, columns, partition_by, self._options)

    def _create_folded(self, uri: str, columns: Struct, partition_by: list[str], mode: str) -> None:
        from engine.decode.system_columns import current_schema, history_schema  # noqa: PLC0415  as above
        from engine.lake.change_log import ChangeLog  # noqa: PLC0415
        from engine.lake.folded_table import FoldedTable  # noqa: PLC0415

        lake, table = uri.rsplit("/", 2)[:2]
        # A partition column that no document has had yet must be in the log too, or no fold could fill it.
        log = ChangeLog.open(TablePaths(lake, table).changes, self._options)
        log.evolve(columns)
        shape = current_schema if mode == "current" else history_schema
        # All columns of the log, in its order: a row tells its document's fields by the order of the columns.
        FoldedTable.open_or_create(uri, shape, log.columns(), partition_by, self._options)

    def _alter(self, uri: str, desired: Mapping[str, Json]) -> None:
        live = part(self._observe(uri).attributes, PROPERTIES)
        wanted = part(desired, PROPERTIES)
        changed = {name: str(value) for name, value in wanted.items() if not same(live.get(name), value)}
        if not changed:
            return
        from deltalake import DeltaTable  # noqa: PLC0415  as above

        from engine.lake.delta_errors import committing  # noqa: PLC0415

        with committing(uri):
            DeltaTable(uri, storage_options=self._options).alter.set_table_properties(changed)
