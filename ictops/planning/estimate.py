"""How long one batch of hosts takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from ictops.errors import PlanError
from ictops.plans.model import Estimate

DEFAULT = timedelta(minutes=15)
"""For an operation that never ran here; a plan that uses it says so."""
_QUANTILE = 0.9


def estimate(durations: Sequence[float], given: timedelta | None = None) -> Estimate:
    """Estimate how long a batch takes, in seconds.

    What a person has ``given`` counts first, then the 90th percentile (nearest rank) of
    ``durations``, the seconds that batches of the same operation took in past runs: nine of
    ten end in that time, and one that hung does not set it. Else :data:`DEFAULT`.

    :raises PlanError: where ``given`` is not longer than nothing.
    """
    if given is not None:
        if given <= timedelta(0):
            raise PlanError("an estimate must be longer than nothing", where="--estimate")
        return Estimate(seconds=given.total_seconds(), source="given")
    known = sorted(one for one in durations if one > 0 and math.isfinite(one))
    if known:
        rank = math.ceil(_QUANTILE * len(known)) - 1
        return Estimate(seconds=known[rank], source="past runs", samples=len(known))
    return Estimate(seconds=DEFAULT.total_seconds(), source="default")
