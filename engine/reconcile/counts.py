"""Compares how many documents and rows there are, and nothing else: cheap, and blind to what they hold.

The number of rows is that of the table at one version, and the documents are counted afterwards. A document that has
changed in between, or has a change that the table does not tell, can make a difference of one; so a larger difference
than there are such documents is proven, a smaller one may be on its way (docs/reconciliation.md).
"""

from __future__ import annotations

from dataclasses import replace

from engine.reconcile.job import Comparison
from engine.reconcile.result import Result
from engine.reconcile.verdict import Verdict
from engine.state.clock import now_text

EQUAL = "as many rows as documents; what they hold was not compared"


def count_both(comparison: Comparison, result: Result) -> Result:
    """The result with what the two numbers prove.

    Raises:
        ResumePointLost: the source cannot tell any more what is on its way.
        NothingToCount: the table is a change log alone.
        LakeError: the table cannot be read.
        SourceError: the collection cannot be counted.
    """
    recheck, moving = comparison.recheck(), 0
    for _ in range(comparison.settings.rounds):
        side = comparison.open_side()
        rows = side.count()
        documents = comparison.documents.count_exactly(comparison.documents.now())
        moving = len(side.unfolded() | comparison.in_flight.changed_after(side, None))
        result = replace(
            result, source_documents=documents, table_rows=rows, table_version=side.version, finished_at=now_text()
        )
        proven = abs(documents - rows) - moving
        if proven > 0:
            return replace(result, totals={_verdict(comparison, documents > rows): proven})
        if not moving:
            return replace(result, confidence=EQUAL)
        if not recheck.wait_for_more(side):
            break
    return replace(result, totals={Verdict.IN_FLIGHT: moving})


def _verdict(comparison: Comparison, has_too_few: bool) -> Verdict:
    """A table that began without a snapshot need not have what was there before."""
    if not has_too_few:
        return Verdict.EXTRA
    return Verdict.UNSUPPORTED if comparison.job.pipeline.source.snapshot == "no_data" else Verdict.MISSING
