"""What follows when a resource is made anew: whatever was made from the old one may have to go as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.planner.steps import ordered
from engine.resources.change import Action, Change
from engine.resources.resource import Kind, Observed

_NEW = frozenset({Action.CREATE, Action.REPLACE})


def cascade(changes: Sequence[Change], observed: Mapping[str, Observed], kinds: Mapping[str, Kind]) -> list[Change]:
    """Let each kind judge what depends on something that is created or replaced, and on what follows from that."""
    judged: dict[str, Change] = {}
    for change in ordered(changes):
        above = (judged[address] for address in change.depends_on if address in judged)
        remade = [one for one in above if one.action in _NEW]
        follows = bool(remade) and observed[change.address].exists and change.action in {Action.NO_OP, Action.UPDATE}
        kind = kinds[change.kind]
        judged[change.address] = kind.follow(change, remade, observed[change.address]) if follows else change
    return list(judged.values())
