"""Chance that repeats: every source of randomness a generator may use, all set by one seed.

The same seed gives the same bytes in every process (for the same versions of Mimesis and Faker), so nothing
here reads the clock, the environment or the global random state.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from bson import ObjectId

if TYPE_CHECKING:
    from faker import Faker
    from mimesis import Generic

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
"""The "now" of generated data: documents are created in the year before it and changed after it."""

IDS_A_SECOND = 1000
_RUN_BYTES = slice(4, 9)


class Seeded:
    """The sources of one stream of documents; two streams with other names never share a number."""

    def __init__(self, seed: int, stream: str) -> None:
        self.seed = seed
        self.stream = stream
        self.random = Random(self._name("random"))  # noqa: S311 - repeatable test data, not a secret

    @cached_property
    def mimesis(self) -> Generic:
        """Mimesis' providers: fast, for the bulk of the values."""
        from mimesis import Generic  # noqa: PLC0415 - 0.3 s, of no use to a kind that needs none
        from mimesis.locales import Locale  # noqa: PLC0415

        return Generic(Locale.EN, seed=self._name("mimesis"))

    @cached_property
    def faker(self) -> Faker:
        """Faker, for custom providers: ``faker.add_provider(...)``."""
        from faker import Faker  # noqa: PLC0415 - 0.4 s, of no use to a kind that needs none

        faker = Faker("en_US")
        faker.seed_instance(self._name("faker"))
        return faker

    def chance(self, share: float) -> bool:
        """True in ``share`` (0 to 1) of the calls."""
        return self.random.random() < share

    def moment(self, *, days: int = 365) -> datetime:
        """A moment in the days before ``EPOCH``, to the millisecond as BSON keeps it."""
        return EPOCH - timedelta(milliseconds=int(self.random.random() * days * 86_400_000))

    def _name(self, source: str) -> str:
        return f"{self.seed}/{self.stream}/{source}"


def object_id(kind: str, seed: int, index: int) -> ObjectId:
    """The identity of document ``index``: like a real ObjectId, in insertion order, from the seed alone."""
    moment = int(EPOCH.timestamp()) + index // IDS_A_SECOND
    counter = index % IDS_A_SECOND
    return ObjectId(moment.to_bytes(4, "big") + _run(kind, seed) + counter.to_bytes(3, "big"))


def index_of(identity: object, kind: str, seed: int) -> int | None:
    """The index that ``object_id`` was given, or None for an identity of another kind, seed or type."""
    if not isinstance(identity, ObjectId) or identity.binary[_RUN_BYTES] != _run(kind, seed):
        return None
    seconds = int.from_bytes(identity.binary[:4], "big") - int(EPOCH.timestamp())
    return seconds * IDS_A_SECOND + int.from_bytes(identity.binary[9:], "big")


def _run(kind: str, seed: int) -> bytes:
    """Five bytes in place of ObjectId's random process value."""
    return hashlib.blake2b(f"{seed}/{kind}".encode(), digest_size=5).digest()
