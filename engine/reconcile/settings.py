"""How a reconciliation is to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from engine.reconcile.result import Mode
from engine.reconcile.source_scan import ChunkLimits


@dataclass(frozen=True, slots=True)
class Settings:
    """What somebody asked for."""

    project: Path
    """Folder that holds ``specs/``."""
    pipelines: Sequence[str] = ()
    """Names; none means all."""
    target: str | None = None
    mode: Mode = "full"
    ids: Sequence[str] = ()
    """Of mode ``ids``: texts as in the table's ``_id`` column."""
    since: datetime | None = None
    """Of mode ``incremental``; None: since the last clean pass."""
    workers: int | None = None
    """Chunks that are read at a time; None: one, and on a cluster as many as it has processors."""
    read_preference: str = "primary"
    bytes_a_second: float | None = None
    """Of all workers together."""
    resume: bool = False
    due: bool = False
    """Only tables whose spec says when they are compared, and for which it is time; ``mode`` is as the spec says."""
    wait_s: float | None = None
    """How long a table that stands still is waited for; None: as long as a fold may take, if a run is at work."""
    rounds: int = 6
    confidence: float = 0.99
    rate: float = 0.001
    """Of mode ``sampled``: what share of differing documents is to be ruled out, with that confidence."""
    limits: ChunkLimits = field(default_factory=ChunkLimits)
    kept_findings: int = 1000
    """Findings with their details in the result; all are counted."""
    is_resumable: bool = True
    """Keep what a full pass has read when it is cut off; False: remove it at once, since nobody will go on with it."""
    executor: Literal["local", "ray"] = "local"
    """Where a full pass reads the collection."""
    ray_address: str = "auto"
    """Of the Ray cluster; auto: the one of this machine."""
