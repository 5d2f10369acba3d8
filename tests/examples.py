"""How many examples a property is tried with: few while somebody waits, many before something is merged.

``HYPOTHESIS_PROFILE=deep`` (``make test`` sets it) runs every property as deep as its test says.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

QUICK, DEEP = "quick", "deep"
_EXAMPLES = {QUICK: 20, DEEP: 100}


def load_profile() -> None:
    """Load the profile that ``HYPOTHESIS_PROFILE`` names; before any property is imported."""
    for name, count in _EXAMPLES.items():
        # On top of Hypothesis's own choice: under CI that one repeats the same examples.
        # How busy the machine is says nothing about a property.
        settings.register_profile(
            name,
            parent=settings.default,
            max_examples=count,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", QUICK))


def examples(deep: int) -> int:
    """The ``max_examples`` of a costly property: ``deep`` under the deep profile, the same part of it under others."""
    return max(3, deep * settings.default.max_examples // _EXAMPLES[DEEP])
