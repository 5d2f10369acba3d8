"""The tables of the state database, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

REVISION = "0006"
"""The migration these definitions belong to: a database that stands there needs no migrating."""

metadata = MetaData()

resources = Table(
    "resources",
    metadata,
    Column("target", String(200), nullable=False),
    Column("address", String(500), nullable=False),
    Column("kind", String(50), nullable=False),
    Column("pipeline", String(200), nullable=False),
    Column("origin", String(20), nullable=False),
    Column("identity", String(200), nullable=False),
    Column("attributes", Text, nullable=False),
    Column("observed", Text, nullable=False),
    Column("applied_at", String(32), nullable=False),
    PrimaryKeyConstraint("target", "address"),
)
"""Last applied: what the spec said and what the world looked like when a step was carried out."""

journals = Table(
    "journals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("target", String(200), nullable=False, index=True),
    Column("plan_digest", String(64), nullable=False),
    Column("plan", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", String(32), nullable=False),
    Column("finished_at", String(32)),
)

steps = Table(
    "steps",
    metadata,
    Column("journal_id", Integer, ForeignKey("journals.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("address", String(500), nullable=False),
    Column("verb", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("started_at", String(32)),
    Column("finished_at", String(32)),
    PrimaryKeyConstraint("journal_id", "number"),
)

locks = Table(
    "locks",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("boot", String(64), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", String(64), nullable=False),
    Column("purpose", String(200), nullable=False),
    Column("since", String(32), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("target", String(200), nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("host", String(255), nullable=False),
    Column("boot", String(64), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", String(64), nullable=False),
    Column("since", String(32), nullable=False),
    Column("seen", Integer, nullable=False),
    PrimaryKeyConstraint("target", "table_name", "host", "pid", "born"),
)
"""Who is writing which table; ``seen`` is Unix time in seconds."""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("job", String(200), nullable=False),
    Column("key", String(500), nullable=False),
    Column("value", Text, nullable=False),
    Column("updated_at", String(32), nullable=False),
    PrimaryKeyConstraint("job", "key"),
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("target", String(200), nullable=False),
    Column("table_name", String(200), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("settings", Text, nullable=False),
    Column("result", Text),
    Column("exit_code", Integer),
    Column("verified_until", BigInteger),
    Column("started_at", String(32), nullable=False),
    Column("finished_at", String(32)),
    Column("tenure", Integer, nullable=False, server_default="0"),
    Column("seen", Integer, nullable=False, server_default="0"),
    Index("ix_reconciliations_table", "target", "table_name"),
)
"""One row a reconciliation of a table; no result while it is under way. ``verified_until`` is a packed cluster time,
``tenure`` counts the processes that have had it in hand, ``seen`` is Unix time in seconds by the database's clock."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("expires_at", String(32)),
    Column("revoked_at", String(32)),
)
"""Who may use the service: the SHA-256 of each key, never the key."""

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", String(32), nullable=False),
    Column("actor", String(300), nullable=False),
    Column("role", String(20), nullable=False),
    Column("address", String(64), nullable=False),
    Column("request", String(64), nullable=False),
    Column("action", String(100), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("outcome", String(100), nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("target", String(200), nullable=False),
    Column("kind", String(50), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("status", String(20), nullable=False, index=True),
    Column("asked_by", String(300), nullable=False),
    Column("asked_at", String(32), nullable=False),
    Column("started_at", String(32)),
    Column("finished_at", String(32)),
    Column("host", String(255)),
    Column("boot", String(64)),
    Column("pid", Integer),
    Column("born", String(64)),
    Column("seen", Integer),
    Column("attempts", Integer, nullable=False),
    Column("cancel", Integer, nullable=False),
    Column("progress", Text, nullable=False),
    Column("result", Text),
    Column("error", Text),
    Column("trace", String(64)),
)
"""Long work that was asked for; ``seen`` is Unix time in seconds, the process is the worker that has it."""

answers = Table(
    "answers",
    metadata,
    Column("actor", String(300), nullable=False),
    Column("key", String(200), nullable=False),
    Column("request_digest", String(64), nullable=False),
    Column("job", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    PrimaryKeyConstraint("actor", "key"),
)
"""Idempotency keys: which job a request has made already; ``at`` is Unix time in seconds."""

wanted_runs = Table(
    "wanted_runs",
    metadata,
    Column("target", String(200), nullable=False),
    Column("pipeline", String(200), nullable=False),
    Column("wish", String(20), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("detail", Text, nullable=False),
    Column("changed_at", String(32), nullable=False),
    PrimaryKeyConstraint("target", "pipeline"),
)
"""Which pipelines shall run; ``generation`` counts the restarts that were asked for."""
