"""Orders of a shop: about 400 bytes, an array of subdocuments, decimals, a reference to a user."""

from __future__ import annotations

from datetime import timedelta

from bson.decimal128 import Decimal128
from faker.providers import BaseProvider

from engine.datagen.kind import Document, Kind
from engine.datagen.seeded import EPOCH, Seeded, object_id

CUSTOMERS = 1000
"""Orders refer to the first users of the same seed, so that the two tables join."""


class ShopProvider(BaseProvider):
    """The words of the shop, as a Faker provider: the pattern for providers of one's own."""

    statuses = ("pending", "paid", "packed", "shipped", "delivered", "cancelled")
    payments = ("credit_card", "debit_card", "bank_transfer", "voucher")

    def order_status(self) -> str:
        """Where the order stands."""
        return str(self.random_element(self.statuses))

    def payment_method(self) -> str:
        """How it is paid."""
        return str(self.random_element(self.payments))


class Orders(Kind):
    """Statuses by the Faker provider above, product words by Mimesis, the rest straight from ``random``."""

    def __init__(self, seeded: Seeded) -> None:
        super().__init__(seeded)
        self._text, self._faker = seeded.mimesis.text, seeded.faker
        self._faker.add_provider(ShopProvider)

    def document(self, index: int) -> Document:
        """An order with one to three lines; ``total`` is a Decimal128 of cents, line prices are doubles."""
        random = self.seeded.random
        cents = 0
        items: list[Document] = []
        for _ in range(random.randrange(1, 4)):
            quantity, price = random.randrange(1, 10), random.randrange(99, 50_000)
            cents += quantity * price
            items.append(
                {
                    "sku": f"SKU-{random.randrange(100_000):05d}",
                    "name": f"{self._text.color()} {self._text.word()}",
                    "quantity": quantity,
                    "price": price / 100,
                }
            )
        created = self.seeded.moment()
        return {
            "number": f"ORD-{index:09d}",
            "customer_id": object_id("users", self.seeded.seed, random.randrange(CUSTOMERS)),
            "status": self._faker.order_status(),
            "payment": self._faker.payment_method(),
            "items": items,
            "total": Decimal128(f"{cents // 100}.{cents % 100:02d}"),
            "currency": "EUR",
            "discount": random.randrange(0, 30) / 100,
            "grams": random.randrange(50, 30_000),
            "gift": self.seeded.chance(0.1),
            "created_at": created,
            "updated_at": created,
        }

    def changed_fields(self) -> Document:
        """An order moves on; now and then its payment changes."""
        random = self.seeded.random
        fields: Document = {
            "status": self._faker.order_status(),
            "updated_at": EPOCH + timedelta(milliseconds=random.randrange(0, 86_400_000)),
        }
        if self.seeded.chance(0.1):
            fields["payment"] = self._faker.payment_method()
        return fields
