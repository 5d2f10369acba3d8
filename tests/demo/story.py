"""The story, chapter by chapter. Each runs real commands and checks what it claims."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from tests.demo.commands import PENDING, Commands
from tests.demo.comparison import orders_problems, users_problems
from tests.demo.screen import Screen
from tests.faults.witness import server_time

USERS, ORDERS = 2000, 5000
CHANGES, RATE, KILLS = 8000, 1000, 2
SEED = "--seed", "7"
LAST_ORDER = "order-from-the-old-till"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays."""

    screen: Screen
    commands: Commands
    project: Path
    client: MongoClient[Any]

    def collection(self, name: str) -> Collection[Any]:
        """A collection of the shop's database."""
        return self.client["shop"][name]


def a_shop_and_its_specs(stage: Stage) -> None:
    """Data in MongoDB, specs in a folder."""
    stage.screen.chapter(
        "A shop in MongoDB, and specs that say which tables it should be",
        "`init` writes starter specs: users becomes a table of latest rows with hashed e-mail addresses, orders a "
        "table of every version.",
    )
    stage.commands.oplake("init")
    for kind, count in (("users", USERS), ("orders", ORDERS)):
        stage.commands.oplake("generate", kind, "--count", str(count), *SEED, "--edge-cases", "0")


def a_mistake_is_explained(stage: Stage) -> None:
    """A typo in a spec."""
    stage.screen.chapter("Validate", "First with a typo: every problem is shown at its place, with a way out.")
    spec = stage.project / "specs/pipelines/users.yaml"
    right = spec.read_text()
    spec.write_text(right.replace("mode: current", "mode: curent"))
    stage.commands.oplake("validate", expect=1)
    spec.write_text(right)
    stage.commands.oplake("validate")


def plan_and_apply(stage: Stage) -> None:
    """Tables come to be."""
    stage.screen.chapter(
        "Plan, then apply",
        "A plan is data: what would be created, with the columns that a sample of the documents suggests. Exit code 3 "
        "means changes are pending. Nothing is touched before `apply`, and after it a second plan is empty.",
    )
    stage.commands.oplake("plan", expect=PENDING)
    stage.commands.oplake("apply", "--yes")
    stage.commands.oplake("plan")
    stage.screen.check("after apply, a second plan is empty", [])


def snapshot(stage: Stage) -> None:
    """What is there already is copied."""
    stage.screen.chapter(
        "Run: copy what is there, and query it",
        "`run` opens the change stream first, copies the collections, then follows the changes. With "
        "--until-caught-up it ends when everything that had happened by now is in the tables.",
    )
    stage.commands.oplake("run", "--until-caught-up")
    stage.commands.oplake(
        "query",
        "select u.plan, count(*) as orders, sum(o.total) as revenue "
        "from orders o join users u on u._id = o.customer_id group by u.plan order by revenue desc",
    )
    found = [stage.commands.number(sql) for sql in ("select count(*) from users", "select count(*) from orders")]
    expected = [USERS, ORDERS]
    stage.screen.check(
        f"all {USERS:,} users and {ORDERS:,} orders are there",
        [] if found == expected else [f"{found} instead of {expected}"],
    )


def killed_in_the_middle(stage: Stage) -> None:
    """SIGKILL, twice, while the shop is busy."""
    stage.screen.chapter(
        "Kill it in the middle of changes",
        f"{CHANGES:,} inserts, updates and deletes arrive, a fifth of them with missing fields, mixed types and odd "
        "keys. Meanwhile `run` is killed with SIGKILL at random moments: it can neither finish nor clean up.",
    )
    workload = ("generate", "orders", "--changes", str(CHANGES // KILLS), "--rate", str(RATE), *SEED)
    for _ in range(KILLS):
        with stage.commands.in_background("run") as run:
            run.show_until("table opened", times=2)
            with stage.commands.in_background(*workload) as shop:
                run.show_until("batch appended")
                time.sleep(random.uniform(0.0, 1.0))  # noqa: S311 - no secret
                stage.screen.command(f"kill -9 {run.pid}")
                run.kill()
                shop.finish()
    stage.commands.oplake("generate", "users", "--changes", "500", *SEED)


def a_type_conflict(stage: Stage) -> None:
    """A value that its column cannot hold."""
    stage.screen.chapter(
        "A value of the wrong type",
        "An old till writes an order whose total is text and whose weight is a fraction, where the columns hold a "
        "decimal and an int. The row arrives; what its columns cannot hold exactly is kept in `_rescued`.",
    )
    order = {
        "_id": LAST_ORDER,
        "number": "ORD-OLD-TILL",
        "status": "paid",
        "total": "nineteen euros",
        "grams": 250.5,
        "created_at": datetime(2024, 5, 1, 12, tzinfo=UTC),
    }
    stage.screen.command(f'db.orders.insertOne({{_id: "{LAST_ORDER}", total: "nineteen euros", grams: 250.5, ...}})')
    stage.collection("orders").insert_one(order)
    stage.commands.oplake("run", "--until-caught-up")
    stage.commands.oplake(
        "query", "select _id, status, total, grams, _rescued from orders where number = 'ORD-OLD-TILL'"
    )


def nothing_lost_nothing_doubled(stage: Stage, since: Any) -> None:  # noqa: ANN401 - a BSON timestamp
    """The proof."""
    stage.screen.chapter(
        "Compare everything",
        "Each document is built again from its row and compared with the server's, byte for byte; the log is compared "
        "with a second, independent reading of the change stream.",
    )
    orders, users = stage.collection("orders"), stage.collection("users")
    stage.screen.check(
        "each event of the change stream is in the log of orders once, in order, and the history follows from it",
        orders_problems(stage.project, orders, since, LAST_ORDER),
    )
    stage.screen.check(
        f"all {users.estimated_document_count():,} users equal the collection, e-mail addresses hashed",
        users_problems(stage.project, users),
    )
    doubled = stage.commands.number("select count(*) - count(distinct _position) from orders__changes")
    stage.screen.check("SQL finds no change twice", [f"{doubled} changes are doubled"] if doubled else [])
    in_lake, in_server = stage.commands.number("select count(*) from orders"), orders.count_documents({})
    stage.screen.check(
        f"SQL counts {in_lake:,} orders, as the server does",
        [] if in_lake == in_server else [f"the server has {in_server:,}"],
    )


def how_it_stands(stage: Stage) -> None:
    """The tables at a glance, and as they were."""
    stage.screen.chapter("Status", "Every table: its rows, how far it has got, and whether anybody altered it.")
    stage.commands.oplake("status")


def tell(stage: Stage) -> None:
    """All of it.

    Raises:
        DemoFailed: a promise is not kept.
    """
    since = server_time(stage.client)
    chapters: list[Callable[[Stage], None]] = [
        a_shop_and_its_specs,
        a_mistake_is_explained,
        plan_and_apply,
        snapshot,
        killed_in_the_middle,
        a_type_conflict,
    ]
    for chapter in chapters:
        chapter(stage)
    nothing_lost_nothing_doubled(stage, since)
    how_it_stands(stage)
