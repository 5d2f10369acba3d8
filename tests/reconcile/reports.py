"""Reports for tests: of as many findings as asked for, hostile ones among them."""

from __future__ import annotations

import random
from typing import Any

from engine.reconcile.report import Report, report_of
from engine.source.cluster_time import order_text, pack_parts

SECONDS = 1_767_225_600
HOSTILE = '<script>alert("x")</script>]]></style>{{ 7*7 }}<img src=x onerror=alert(1)>|`[a](javascript:x)'
CHUNKS = 300


def result(findings: list[dict[str, Any]], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - plain data
    totals: dict[str, int] = {}
    for finding in findings:
        totals[finding["verdict"]] = totals.get(finding["verdict"], 0) + 1
    confirmed = any(totals.get(verdict) for verdict in ("missing", "extra", "mismatch", "duplicate"))
    plain = {
        **{"run": "r-7f3a", "target": "local", "pipeline": "orders", "table": "orders", "namespace": "shop.orders"},
        **{"mode": "full", "started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:04:10Z"},
        **{"source_documents": 1_204_331, "table_rows": 1_204_330, "table_version": 42},
        **{"buckets": CHUNKS, "equal_buckets": CHUNKS - 3, "candidates": len(findings), "totals": totals},
        **{"chunks": [{"part": 0, "number": 0, "documents": 9, "size_bytes": 99, "seconds": 0.5}]},
        **{"findings": findings, "confidence": "", "problem": "", "remedy": ""},
        "coverage": {"since": None, "until": pack_parts(SECONDS, 1), "verified_until": pack_parts(SECONDS, 1)},
        "exit_code": 5 if confirmed else 6 if findings else 0,
    }
    return plain | more


def finding(identity: str, verdict: str = "mismatch", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - plain data
    plain = {"identity": identity, "verdict": verdict, "differences": [], "rounds": 1, "reason": "", "bucket": None}
    return {**plain, "read_at": pack_parts(SECONDS, 1), "position": None, **more}


def difference(path: str, source: str | None, table: str | None, kind: str = "value") -> dict[str, Any]:
    return {"path": path, "source": source, "table": table, "kind": kind}


def of_many(count: int) -> Report:
    """Seeded; a few fields hold most of the mismatches, as in life."""
    chance = random.Random(3)  # noqa: S311 - no secret
    fields = ["price", "items.3.sku", "items.12.sku", "address.city", "note", f"odd {HOSTILE}"]
    found = []
    for number in range(count):
        at = order_text(pack_parts(SECONDS - chance.randrange(20 * 86_400), 1), "1", number)
        verdict = chance.choices(["mismatch", "missing", "extra", "in_flight"], (90, 5, 3, 2))[0]
        same = {"position": at, "bucket": int(chance.triangular(0, CHUNKS - 1, 40))}
        if verdict != "mismatch":
            found.append(finding(f"{number:024x}", verdict, **same, reason="the table stood still while we waited"))
            continue
        path = chance.choices(fields, (50, 20, 20, 6, 3, 1))[0]
        values = ('{"$numberInt":"12"}', '{"$numberInt":"13"}') if path == "price" else ('"a"', None)
        kind = "value" if path == "price" else "missing_field"
        found.append(finding(f"{number:024x}", **same, differences=[difference(path, *values, kind)]))
    return report_of([result(found)])


def hostile() -> Report:
    """Everything that comes from documents, names and errors says something nasty."""
    differences = [difference(HOSTILE, HOSTILE, f'["{HOSTILE[:9]}"]'), difference("long", '"' + "x" * 50_000, '"***"')]
    one = finding(HOSTILE, differences=differences, reason=HOSTILE, bucket=3)
    return report_of([result([one], table=HOSTILE, problem=HOSTILE, namespace=HOSTILE, confidence=HOSTILE)])
