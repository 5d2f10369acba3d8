"""What reconciliations have found, as a document that is stored, published with a schema, and shown in every form.

A masked value never gets as far as this: see ``difference.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_NAME = "reconciliation-report.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
CONFIRMED = ("missing", "extra", "mismatch", "duplicate")
"""Verdicts that prove the table wrong."""
UNDECIDED = ("in_flight", "changed_too_fast", "unsupported", "skipped")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DifferenceReport(_Part):
    """One place at which a document and its row differ."""

    path: str = Field(description="Dotted, with the numbers of array elements; empty: the whole document.")
    source: str | None = Field(
        default=None, description='Canonical extended JSON; null where there is nothing; masked: "***".'
    )
    table: str | None = Field(default=None, description="The same of the row.")
    kind: Literal["missing_field", "extra_field", "type", "value", "order", "bytes", "column", "unreadable"] = Field(
        description="How the two differ."
    )


class FindingReport(_Part):
    """One document that is not proven equal."""

    identity: str = Field(description="Its `_id` as the table has it.")
    verdict: Literal[
        "missing", "extra", "mismatch", "duplicate", "in_flight", "changed_too_fast", "unsupported", "skipped"
    ] = Field(description="The first four are confirmed; of the others nothing is proven.")
    differences: tuple[DifferenceReport, ...] = Field(description="Of a mismatch.")
    rounds: int = Field(description="How often both sides were read.")
    read_at: int | None = Field(description="Packed cluster time after which the document was read last.")
    position: str | None = Field(description="`_position` of the row, where there is one.")
    bucket: int | None = Field(description="The part of the table in which it was found to differ.")
    reason: str = Field(description="What else there is to say.")


class ChunkReport(_Part):
    """A part of the collection that was read in one go."""

    part: int = Field(description="The worker's share it belongs to.")
    number: int
    documents: int
    size_bytes: int = Field(description="BSON bytes read.")
    seconds: float


class CoverageReport(_Part):
    """Which changes a pass speaks for, as packed cluster times."""

    since: int | None = Field(description="Null: from the beginning.")
    until: int | None = Field(description="Everything up to it was looked at.")
    verified_until: int | None = Field(description="Everything up to it is verified, without a gap.")


class TableReport(_Part):
    """One table against its collection."""

    run: str
    target: str
    pipeline: str
    table: str
    namespace: str = Field(description="Database and collection.")
    mode: Literal["full", "incremental", "sampled", "counts", "ids"]
    started_at: str = Field(description="ISO 8601, UTC.")
    finished_at: str
    source_documents: int
    table_rows: int
    table_version: int | None = Field(description="Delta version that was read first.")
    buckets: int
    equal_buckets: int = Field(description="Those whose fingerprints were the same on both sides.")
    candidates: int = Field(description="Documents that did not look the same at first.")
    totals: Mapping[str, int] = Field(description="Verdict -> how many documents; `findings` may hold fewer.")
    chunks: tuple[ChunkReport, ...]
    findings: tuple[FindingReport, ...]
    coverage: CoverageReport
    confidence: str = Field(description="What a sample says of the whole.")
    problem: str = Field(description="Why the work is incomplete as a whole.")
    remedy: str
    exit_code: Literal[0, 5, 6] = Field(description="0 clean, 5 a difference is confirmed, 6 incomplete.")

    @property
    def confirmed(self) -> int:
        """Documents that the table is proven wrong about."""
        return sum(self.totals.get(verdict, 0) for verdict in CONFIRMED)

    @property
    def undecided(self) -> int:
        """Documents that nothing is proven of."""
        return sum(self.totals.get(verdict, 0) for verdict in UNDECIDED)

    @property
    def state(self) -> str:
        """The exit code in a word."""
        return {0: "clean", 5: "differs"}.get(self.exit_code, "incomplete")


class Report(_Part):
    """A report of one or more reconciliations."""

    version: Literal[1] = Field(default=1, description="Of this form.")
    tables: tuple[TableReport, ...]

    @property
    def exit_code(self) -> int:
        """The gravest of the tables': a confirmed difference before what is incomplete."""
        codes = {table.exit_code for table in self.tables}
        return next((code for code in (5, 6) if code in codes), 0)

    def to_json(self) -> str:
        """As ``reconciliation-report.schema.json`` describes it."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"


def report_of(results: Iterable[Mapping[str, Any]]) -> Report:
    """The report of results as plain data (``Result.as_json``, or what the state database keeps of them)."""
    return Report.model_validate({"tables": list(results)})


def schema_text() -> str:
    """The text of the schema file."""
    schema = Report.model_json_schema(mode="serialization")
    return json.dumps({"$schema": _DIALECT, **schema}, indent=2, ensure_ascii=False) + "\n"
