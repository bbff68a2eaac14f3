"""Why a job failed, in the words that a boot server knows."""

from __future__ import annotations

from ictops.errors import IctopsError
from ictops.imaging.wire.said import FaultKind


class JobFailed(IctopsError):
    """The job cannot be done.

    :param kind: what a person must look at.
    """

    def __init__(self, kind: FaultKind, what: str, *, where: str = "", do: str = "") -> None:
        super().__init__(what, where=where, do=do)
        self.kind: FaultKind = kind
