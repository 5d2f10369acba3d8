"""The kinds of document by name: the two built in, and those that installed distributions add.

A distribution adds a kind with an entry point::

    [project.entry-points."oplake.generators"]
    invoices = "acme_data.invoices:Invoices"

whose object, called with a ``Seeded``, returns a ``Kind`` (so a subclass of ``Kind`` will do).
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from engine.datagen.kind import Kind, KindFactory
from engine.datagen.seeded import Seeded
from engine.errors import UsageError

GROUP = "oplake.generators"
BUILT_IN = {
    name: EntryPoint(name, value, GROUP)
    for name, value in {
        "orders": "engine.datagen.orders:Orders",
        "users": "engine.datagen.users:Users",
    }.items()
}


def kind_names() -> list[str]:
    """Every kind that can be generated here, sorted."""
    return sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=GROUP))})


def make_kind(name: str, seeded: Seeded) -> Kind:
    """Build the kind called ``name``; a built-in name cannot be taken over.

    Raises:
        UsageError: no such kind, or its distribution is broken.
    """
    kind = _factory(name)(seeded)
    if not isinstance(kind, Kind):
        raise UsageError(
            f"the generator `{name}` made a {type(kind).__name__}, not an engine.datagen.kind.Kind",
            where=f"entry point {GROUP}:{name}",
            remedy="let the entry point name a subclass of Kind, or a function that returns one",
        )
    return kind


def _factory(name: str) -> KindFactory:
    entry = BUILT_IN.get(name) or next(iter(entry_points(group=GROUP, name=name)), None)
    if entry is None:
        raise _unknown(name)
    try:
        factory: KindFactory = entry.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"the generator `{entry.name}` cannot be loaded: {error}",
            where=f"entry point {GROUP}:{entry.name} = {entry.value}",
            remedy="repair or remove the distribution that declares it",
        ) from error
    return factory


def _unknown(name: str) -> UsageError:
    names = kind_names()
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return UsageError(
        f"there is no generator called `{name}`",
        remedy=f"{hint}known: {', '.join(names)}; more can be installed (docs/datagen.md)",
    )
