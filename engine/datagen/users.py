"""Users of a shop: about 400 bytes, one nested level, one array."""

from __future__ import annotations

from datetime import timedelta

from bson.int64 import Int64

from engine.datagen.kind import Document, Kind
from engine.datagen.seeded import EPOCH, Seeded

MAIL_HOSTS = ("example.com", "example.net", "example.org", "mail.example.com")
TAGS = ("beta", "newsletter", "gift-card", "returns", "vip", "wholesale", "student", "prime", "trial")
PLANS = ("free", "free", "free", "basic", "basic", "plus", "team")


class Users(Kind):
    """Names, addresses and phone numbers by Mimesis; the rest straight from ``random``."""

    def __init__(self, seeded: Seeded) -> None:
        super().__init__(seeded)
        mimesis = seeded.mimesis
        self._person, self._address = mimesis.person, mimesis.address

    def document(self, index: int) -> Document:
        """A user as the sign-up form would leave it."""
        random, person = self.seeded.random, self._person
        first, last = person.first_name(), person.last_name()
        created = self.seeded.moment()
        return {
            "name": f"{first} {last}",
            "email": f"{first}.{last}{index}@{random.choice(MAIL_HOSTS)}".lower(),
            "phone": f"+1{random.randrange(2_000_000_000, 9_999_999_999)}",
            "age": random.randrange(18, 90),
            "active": self.seeded.chance(0.75),
            "plan": random.choice(PLANS),
            "balance": random.randrange(0, 1_000_000) / 100,
            "points": Int64(random.randrange(0, 10_000_000)),
            "address": self._home(),
            "tags": random.sample(TAGS, random.randrange(0, 4)),
            "created_at": created,
            "seen_at": created + timedelta(seconds=random.randrange(0, 86_400 * 30)),
        }

    def changed_fields(self) -> Document:
        """A user comes back: seen again, richer or poorer, sometimes with another plan or address."""
        random = self.seeded.random
        fields: Document = {
            "seen_at": EPOCH + timedelta(milliseconds=random.randrange(0, 86_400_000)),
            "balance": random.randrange(0, 1_000_000) / 100,
            "points": Int64(random.randrange(0, 10_000_000)),
        }
        if self.seeded.chance(0.2):
            fields["plan"] = random.choice(PLANS)
        if self.seeded.chance(0.1):
            fields["address"] = self._home()
        return fields

    def _home(self) -> Document:
        random, address = self.seeded.random, self._address
        return {
            "street": f"{random.randrange(1, 2000)} {address.street_name()}",
            "city": address.city(),
            "postcode": f"{random.randrange(10_000, 99_999)}",
            "country": address.country_code(),
            "location": {
                "lat": random.randrange(-90_000_000, 90_000_000) / 1e6,
                "lon": random.randrange(-180_000_000, 180_000_000) / 1e6,
            },
        }
