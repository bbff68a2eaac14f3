from __future__ import annotations

from tests.support.lab import workspace

__all__ = ["workspace"]
