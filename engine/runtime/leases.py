"""What happens to the leases of Vault, as lines of the log."""

from __future__ import annotations

import math

from engine.secrets.vault_session import Notice
from engine.telemetry.logs import logger


def log_lease(notice: Notice) -> None:
    """A renewal is worth a line; a failure a warning, with how long is left."""
    log = logger(secret=notice.secret)
    left_s = None if math.isinf(notice.left_s) else round(notice.left_s, 1)
    if notice.error is None:
        log.info(f"lease {notice.what}", left_s=left_s)
        return
    error = notice.error
    log.warning("lease not renewed", left_s=left_s, code=error.code, what=error.what, where=error.where)
