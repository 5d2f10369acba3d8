"""One table against its collection, from beginning to end: read both sides, judge what differs, say what is proven."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from bson import Timestamp

from engine.errors import ResumePointLost, StateError
from engine.reconcile.begun_pass import begin
from engine.reconcile.counts import count_both
from engine.reconcile.executor import Executor, executor_of
from engine.reconcile.first_pass import FirstPass, Plan, Progress, read_both
from engine.reconcile.heartbeat import heard
from engine.reconcile.in_flight import require_snapshot, touched_since
from engine.reconcile.job import Comparison
from engine.reconcile.leftovers import forget, forget_finished
from engine.reconcile.result import EXIT_CLEAN, Coverage, Result
from engine.reconcile.sample import sample_size, sampled_documents, sampled_rows, statement
from engine.reconcile.table_side import NothingFolded, NothingToCount
from engine.reconcile.verdict import Finding, Verdict
from engine.source.cluster_time import STREAM, order_text, pack, unix_seconds
from engine.source.mongo_errors import reading_from
from engine.state.clock import now_text
from engine.state.reconciliations import Reconciliation, Reconciliations
from engine.state.tenure import Tenure
from engine.telemetry.crash_points import reach
from engine.telemetry.traces import span


def reconcile(comparison: Comparison, progress: Progress) -> Result:
    """Compare one table as its settings ask.

    Raises:
        OplakeError: a side cannot be read; a full pass goes on from there with ``resume``.
    """
    job = comparison.job
    names = {
        "oplake.pipeline": job.pipeline.pipeline,
        "oplake.table": job.table,
        "oplake.mode": comparison.settings.mode,
    }
    with span("reconcile", **names) as told:
        result = _compared(comparison, progress)
        counts = {"candidates": result.candidates, "confirmed": result.confirmed, "exit_code": result.exit_code}
        told.tell(**{f"oplake.{name}": count for name, count in counts.items()})
    return result


def _compared(comparison: Comparison, progress: Progress) -> Result:
    blank = _blank(comparison)
    try:
        require_started(comparison)
        match comparison.settings.mode:
            case "full":
                return _full(comparison, progress)
            case "incremental":
                return _incremental(comparison, blank)
            case "sampled":
                return _sampled(comparison, blank)
            case "counts":
                return _kept(comparison, count_both(comparison, blank))
            case "ids":
                return _kept(comparison, _of_ids(comparison, blank))
    except (NothingFolded, NothingToCount, ResumePointLost) as error:
        return _incomplete(blank, error.what, error.remedy)


def require_started(comparison: Comparison) -> None:
    """Make sure that there is something to compare.

    Raises:
        NothingFolded: the table has no rows that came from its log.
        ResumePointLost: its snapshot is not finished.
    """
    side = comparison.open_side()
    if comparison.job.target.transport.kafka is None:
        require_snapshot(side.position, comparison.job.namespace)


def _full(comparison: Comparison, progress: Progress) -> Result:
    kept = _reconciliations(comparison)
    with executor_of(comparison.settings, comparison.job.target.mongodb.uri) as executor:
        begun, plan = begin(comparison, kept, executor.workers)
        with heard(kept, begun.hold) as still_held:

            def look() -> None:
                comparison.look()
                still_held()

            return _carried_out(replace(comparison, look=look), kept, begun, plan, executor, progress)


def _carried_out(
    comparison: Comparison,
    kept: Reconciliations,
    begun: Reconciliation,
    plan: Plan,
    executor: Executor,
    progress: Progress,
) -> Result:
    try:
        forget_finished(comparison, kept)
        with _files_of(kept, begun.hold):
            read = read_both(comparison, plan, executor, begun.hold, progress)
        blank = replace(_blank(comparison), run=plan.run, started_at=begun.started_at)
        result = _judged(comparison, _with_counts(blank, read), dict(read.differing))
    except BaseException:
        if not comparison.settings.is_resumable and kept.give_up(begun.hold):
            forget(comparison, plan.run)
        raise
    result = _covered(kept, comparison, result, since=None, until=plan.began)
    kept.finish(begun.hold, without_values(result), result.exit_code, result.coverage.verified_until)
    reach("reconcile.result.after_keeping")
    forget(comparison, plan.run)
    return result


@contextmanager
def _files_of(kept: Reconciliations, hold: Tenure) -> Iterator[None]:
    """Say of files that are gone whether whoever took the pass over has deleted them."""
    try:
        yield
    except OSError:
        with suppress(StateError):
            kept.renew(hold)
        raise


def _incremental(comparison: Comparison, blank: Result) -> Result:
    kept, settings = _reconciliations(comparison), comparison.settings
    since = kept.verified_until(comparison.job.table)
    if settings.since is not None:
        since = pack(Timestamp(int(settings.since.timestamp()), 0))
    if since is None:
        problem = "nothing is verified yet, so there is no time to go on from"
        return _incomplete(blank, problem, "reconcile it in full once, or give --since TIME")
    until = comparison.documents.now()
    # The stream knows what the log may have lost; the log knows what was changed by somebody other than the source.
    position = {"snapshot.done": 1, "snapshot.rows": 0, "snapshot.time": since - 1, "stream.time": since}
    with span("touched"):
        try:
            touched = set(touched_since(comparison.client, comparison.job.namespace, position))
        except ResumePointLost:
            problem = f"the oplog no longer holds all that was touched since {_time_text(since)}"
            return _incomplete(blank, problem, "reconcile it in full once, or give a later --since TIME")
        touched |= comparison.open_side().touched_since(order_text(since, STREAM, 0))
    result = _judged(comparison, replace(blank, source_documents=len(touched)), dict.fromkeys(sorted(touched)))
    return _kept(comparison, _covered(kept, comparison, result, since=since, until=until))


def _sampled(comparison: Comparison, blank: Result) -> Result:
    settings, documents = comparison.settings, comparison.documents
    count = sample_size(settings.confidence, settings.rate)
    with span("draw"), reading_from(documents.namespace):
        drawn = sampled_documents(documents.collection, count)
        drawn |= sampled_rows(comparison.open_side(), count, random.SystemRandom())
    result = _judged(comparison, replace(blank, source_documents=len(drawn)), dict.fromkeys(sorted(drawn)))
    if result.is_complete and not result.confirmed:
        result = replace(result, confidence=statement(settings.confidence, settings.rate, len(drawn)))
    return _kept(comparison, result)


def _of_ids(comparison: Comparison, blank: Result) -> Result:
    """What neither side has was not compared: most likely somebody has written an ``_id`` in another way."""
    ids = list(dict.fromkeys(comparison.settings.ids))
    result = _judged(comparison, blank, dict.fromkeys(ids))
    rows = comparison.open_side().rows(pa.array(ids, pa.string()))
    known = set() if rows is None else set(rows.column("_id").to_pylist())
    known |= {text for text, _ in comparison.documents.read(ids, comparison.documents.now())}
    unknown = [text for text in ids if text not in known]
    if not unknown:
        return result
    problem = f"neither the collection nor the table has {', '.join(map(repr, unknown))}"
    remedy = "write an id as the table's column _id has it, which `oplake query` shows"
    return replace(result, candidates=len(ids) - len(unknown), problem=problem, remedy=remedy)


def _judged(comparison: Comparison, result: Result, buckets: Mapping[str, int | None]) -> Result:
    """The result with what is proven of each candidate."""
    totals: Counter[Verdict] = Counter()
    shown: list[Finding] = []
    with span("recheck", (), **{"oplake.candidates": len(buckets)}):
        for finding in _explained(comparison, comparison.recheck().judge(list(buckets))):
            totals[finding.verdict] += 1
            if len(shown) < comparison.settings.kept_findings:
                shown.append(replace(finding, bucket=buckets.get(finding.identity)))
    return replace(result, candidates=len(buckets), totals=dict(totals), findings=tuple(shown), finished_at=now_text())


def _explained(comparison: Comparison, findings: Iterable[Finding]) -> Iterable[Finding]:
    """A table that began without a snapshot need not have what was there before."""
    is_partial = comparison.job.pipeline.source.snapshot == "no_data"
    for finding in findings:
        if is_partial and finding.verdict is Verdict.MISSING:
            reason = "with `snapshot: no_data` the table may never have been given it"
            yield replace(finding, verdict=Verdict.UNSUPPORTED, reason=reason)
        else:
            yield finding


def _with_counts(result: Result, read: FirstPass) -> Result:
    return replace(
        result,
        source_documents=read.documents,
        table_rows=read.rows,
        table_version=read.table_version,
        chunks=read.chunks,
        buckets=read.buckets,
        equal_buckets=read.equal_buckets,
    )


def _covered(kept: Reconciliations, comparison: Comparison, result: Result, since: int | None, until: int) -> Result:
    """What the pass speaks for: the watermark moves over clean passes that leave no gap, and never back."""
    verified = kept.verified_until(comparison.job.table)
    is_joined = since is None or (verified is not None and since <= verified)
    if result.exit_code == EXIT_CLEAN and is_joined:
        verified = max(until, verified or until)
    return replace(result, coverage=Coverage(since, until, verified))


def _kept(comparison: Comparison, result: Result) -> Result:
    plain = without_values(result)
    _reconciliations(comparison).keep(plain, result.exit_code, result.coverage.verified_until)
    return result


def without_values(result: Result) -> Mapping[str, Any]:
    """A result for the state database, which never holds what documents contain: paths and kinds alone."""
    plain = result.as_json()
    for finding in plain["findings"]:
        finding["differences"] = [{"path": one["path"], "kind": one["kind"]} for one in finding["differences"]]
    return plain


def _time_text(packed: int) -> str:
    return f"{datetime.fromtimestamp(unix_seconds(packed), UTC):%Y-%m-%d %H:%M:%S} UTC"


def _incomplete(blank: Result, problem: str, remedy: str) -> Result:
    return replace(blank, problem=problem, remedy=remedy, finished_at=now_text())


def _blank(comparison: Comparison) -> Result:
    job = comparison.job
    return Result(
        uuid.uuid4().hex[:12],
        job.target.target,
        job.pipeline.pipeline,
        job.table,
        job.namespace,
        comparison.settings.mode,
        now_text(),
        now_text(),
    )


def _reconciliations(comparison: Comparison) -> Reconciliations:
    return Reconciliations(comparison.database, comparison.job.target.target)
