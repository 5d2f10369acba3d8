"""What follows when a resource is made anew: whatever was made from the old one must go as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.resources.change import Action, Cause, Change
from engine.resources.resource import Observed

_NEW = frozenset({Action.CREATE, Action.REPLACE})


def cascade(changes: Sequence[Change], observed: Mapping[str, Observed]) -> list[Change]:
    """Replace what depends on something that is created or replaced, and exists already."""
    titles = {change.address: change.title for change in changes if change.action in _NEW}

    def judged(change: Change) -> Change:
        made_anew = [titles[address] for address in change.depends_on if address in titles]
        is_stale = bool(made_anew) and observed[change.address].exists
        if not is_stale or change.action not in {Action.NO_OP, Action.UPDATE}:
            return change
        return replace(
            change,
            action=Action.REPLACE,
            cause=Cause.CASCADE,
            destroys=True,
            reason=f"it is made from {made_anew[0]}, which is made anew",
        )

    return [judged(change) for change in changes]
