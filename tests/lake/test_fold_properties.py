"""Whatever arrives, in whatever order and steps: the folded tables are what the set of changes says."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.fold_history import fold_history
from engine.lake.fold_limits import FoldLimits
from engine.lake.observe import observe_table
from engine.spec.types import ListOf, Scalar, Struct
from tests.examples import examples
from tests.lake.changes import COLUMNS, Change, chain_of, expected_current, expected_history, rows, stored

pytestmark = pytest.mark.slow
WIDER = Struct(
    {
        **COLUMNS.fields,
        "place": Struct({"city": Scalar.STRING, "zip": Scalar.STRING}),
        "tags": ListOf(Scalar.STRING),
    }
)
KEYS = st.sampled_from(["a", "b", '{"$numberInt":"1"}', "it's"])
OPERATIONS = st.sampled_from("crudd")
_ALWAYS, _AS_USUAL, _NEVER = 0.0, FoldLimits().rewrite_share, 2.0
_SHARES = (_ALWAYS, _AS_USUAL, _NEVER)
"""From which share of its bytes on a table is written anew; otherwise the changes are merged into it."""


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[str, list[Change]]]:
    """Steps: a batch of changes, an evolution, or a fold of one table or both."""
    count = draw(st.integers(1, 14))
    changes = [
        Change(
            key=draw(KEYS),
            position=position,
            operation=(operation := draw(OPERATIONS)),
            clock=draw(st.one_of(st.none(), st.integers(0, 12))),
            image=operation != "u" or draw(st.integers(0, 5)) > 0,
            values={"n": position, "place": draw(st.sampled_from([None, {"city": f"c{position}"}]))},
        )
        for position in range(count)
    ]
    order = draw(st.one_of(st.just(changes), st.permutations(changes)))
    repeats = draw(st.lists(st.sampled_from(changes), max_size=3))
    arriving = [*order, *repeats]
    steps: list[tuple[str, list[Change]]] = []
    while arriving:
        size = draw(st.integers(1, 5))
        steps.append(("append", arriving[:size]))
        arriving = arriving[size:]
        steps += [(what, []) for what in draw(st.lists(st.sampled_from(_BETWEEN), max_size=2))]
    return steps


_BETWEEN = ("fold current", "fold history", "evolve", "optimize", "rebuild")


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(arrivals(), st.sampled_from([1, 3, 500_000]), st.sampled_from([1, 3, 500_000]), st.sampled_from(_SHARES))
def test_the_folded_tables_depend_on_nothing_but_the_set_of_changes(
    steps: list[tuple[str, list[Change]]], max_rows: int, max_keys: int, rewrite_share: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _play(Path(folder), steps, FoldLimits(max_rows, max_keys=max_keys, rewrite_share=rewrite_share))


def _play(folder: Path, steps: list[tuple[str, list[Change]]], limits: FoldLimits) -> None:
    log = ChangeLog.create(str(folder / "changes"), COLUMNS, position={"p": 0})
    current, history = str(folder / "current"), str(folder / "history")
    arrived: list[Change] = []
    for what, changes in [*steps, ("fold current", []), ("fold history", [])]:
        match what:
            case "append":
                columns = log.columns()
                batch = [_as_first_seen(change, arrived) or _with_new_columns(change, columns) for change in changes]
                log.append(rows(batch, columns), {"p": log.position()["p"] + len(batch)})
                arrived += [change for change in batch if not _has(arrived, change)]
            case "fold current":
                fold_current(log, current, limits=limits)
                _check_current(current, arrived)
            case "fold history":
                fold_history(log, history, limits=limits)
                _check_history(history, arrived)
            case "rebuild":
                fold_current(log, current, limits=limits, rebuild=True)
                fold_history(log, history, limits=limits, rebuild=True)
                _check_current(current, arrived)
                _check_history(history, arrived)
            case "evolve":
                log.evolve(WIDER)
            case "optimize":
                ChangeLog.open(log.uri)._table.optimize.compact()
    assert {row["_position"] for row in stored(log.uri)} == {change.order for change in arrived}
    assert {row.key for row in arrived} == set(chain_of(replace(c, image=True) for c in arrived))


def _as_first_seen(change: Change, arrived: list[Change]) -> Change | None:
    return next((known for known in arrived if known.position == change.position), None)


def _has(arrived: list[Change], change: Change) -> bool:
    return _as_first_seen(change, arrived) is not None


def _with_new_columns(change: Change, columns: Struct) -> Change:
    if "tags" not in columns.fields or change.values.get("place") is None:
        return change
    place = {**change.values["place"], "zip": "1"}
    return replace(change, values={**change.values, "place": place, "tags": ["t"]})


def _check_current(uri: str, arrived: list[Change]) -> None:
    found = {row["_id"]: row for row in stored(uri)}
    wanted = expected_current(arrived)
    assert len(stored(uri)) == len(found)
    assert {key: row["_position"] for key, row in found.items()} == {k: c.order for k, c in wanted.items()}
    for key, change in wanted.items():
        assert found[key]["n"] == change.values["n"]
        assert (found[key]["place"] or {}).get("city") == (change.values["place"] or {}).get("city")
        assert found[key].get("tags") == change.values.get("tags")


def _check_history(uri: str, arrived: list[Change]) -> None:
    found = stored(uri)
    intervals = {(r["_id"], int(r["_position"], 16)): (r["_valid_from"], r["_valid_to"]) for r in found}
    assert len(found) == len(intervals)
    assert intervals == expected_history(arrived)
    values = {change.position: change.values for change in arrived}
    for row in found:
        assert row["_is_current"] == (row["_valid_to"] is None)
        assert row["n"] == values[int(row["_position"], 16)]["n"]
        assert row.get("tags") == values[int(row["_position"], 16)].get("tags")
    table = observe_table(uri)
    assert table is not None
    assert table.partition_by == ("_is_current",)
