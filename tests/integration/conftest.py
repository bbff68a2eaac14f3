from __future__ import annotations

from tests.support.golden import golden, imaging
from tests.support.lab import workspace

__all__ = ["golden", "imaging", "workspace"]
