"""Every metric of the service: its name, which stays as it is, its labels, and what it tells.

``docs/metrics.md`` lists them. Labels are methods, routes as the API describes them, statuses, kinds of jobs, and names
from specs: none comes out of a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


_PASS = ("pipeline", "table", "mode")

REQUESTS = Family(
    "oplake_api_requests_total", "counter", ("method", "route", "status"), "Requests that the service has answered."
)
REQUEST_DURATION = Family(
    "oplake_api_request_duration_seconds",
    "histogram",
    ("method", "route"),
    "From a request's first byte to the answer's last; streams of events left out.",
)
STATE_UP = Family("oplake_api_state_up", "gauge", (), "1 when the state database answers, else 0.")
JOBS = Family("oplake_jobs", "gauge", ("kind", "status"), "Jobs in the state database.")
JOB_WAITS = Family(
    "oplake_jobs_oldest_waiting_seconds", "gauge", (), "How long the oldest job waits that nobody has begun; 0 if none."
)
RUNS = Family(
    "oplake_wanted_runs", "gauge", ("pipeline", "wish", "state"), "Always 1: what is wished of a run, and what it is."
)
RECONCILED_AT = Family(
    "oplake_reconcile_last_timestamp_seconds",
    "gauge",
    _PASS,
    "Unix time at which the last reconciliation of the mode ended.",
)
RECONCILE_DURATION = Family(
    "oplake_reconcile_last_duration_seconds", "gauge", _PASS, "How long it took, whoever went on with it included."
)
RECONCILED_DOCUMENTS = Family(
    "oplake_reconcile_last_documents", "gauge", _PASS, "Documents of the collection that it has read."
)
CONFIRMED = Family(
    "oplake_reconcile_confirmed_differences", "gauge", _PASS, "Documents that it has proven the table wrong about."
)
UNDECIDED = Family("oplake_reconcile_undecided_documents", "gauge", _PASS, "Documents that it could prove nothing of.")
COMPLETE = Family(
    "oplake_reconcile_last_complete", "gauge", _PASS, "1 when it has decided all that it was to look at, else 0."
)
OPLOG = Family(
    "oplake_source_oplog_window_seconds",
    "gauge",
    ("target",),
    "From the oldest entry of the source's oplog to the newest; none where it may not be read.",
)

FAMILIES: tuple[Family, ...] = (
    REQUESTS,
    REQUEST_DURATION,
    STATE_UP,
    JOBS,
    JOB_WAITS,
    RUNS,
    RECONCILED_AT,
    RECONCILE_DURATION,
    RECONCILED_DOCUMENTS,
    CONFIRMED,
    UNDECIDED,
    COMPLETE,
    OPLOG,
)
"""In the order of the page."""
