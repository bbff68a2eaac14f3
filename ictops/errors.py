"""The errors that a person sees: what is wrong, where, and what to do next.

Every error that is raised for a person derives from :class:`IctopsError`; the CLI prints
its three parts and exits with its ``exit_code``. Anything else that escapes is a bug in
ictops and is shown as one.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command, as documented in docs/exit-codes.md."""

    OK = 0
    ERROR = 1
    USAGE = 2
    FAULTS = 3
    HOSTS_FAILED = 4
    STRAGGLERS = 5
    NOT_NOW = 6
    CANCELLED = 7
    PAUSED = 8
    DRIFT = 9


class IctopsError(Exception):
    """Something that a person can put right.

    :param what: what is wrong, one sentence without a full stop.
    :param where: the file and line, host, site or run that it is about; may be empty.
    :param do: what to do next; may be empty.
    """

    exit_code: Exit = Exit.ERROR

    def __init__(self, what: str, *, where: str = "", do: str = "") -> None:
        self.what = what
        self.where = where
        self.do = do
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.do}" if self.do else text


class SettingsError(IctopsError):
    """ictops.toml or an ICTOPS_ environment variable is wrong."""


class InventoryError(IctopsError):
    """The inventory cannot be read, or names something that is not there."""

    exit_code = Exit.FAULTS


class CalendarError(IctopsError):
    """A calendar cannot be read, or has no such holiday or term."""

    exit_code = Exit.FAULTS


class PlanError(IctopsError):
    """A plan cannot be made, read or run as it is."""

    exit_code = Exit.FAULTS


class NoHosts(PlanError, InventoryError):
    """What was asked for fits no host: there is nothing to do."""


class ScheduleError(IctopsError):
    """A schedule cannot be made as it is asked for, or there is none of that name."""


class JournalError(IctopsError):
    """The journal cannot be read or written."""


class JournalDamaged(JournalError):
    """What is stored of the journal is not what was written."""


class SwitchError(IctopsError):
    """A switch, its platform or its backups are not as they must be."""


class SwitchUnreachable(SwitchError):
    """A switch does not answer, or no longer does."""


class CommandRefused(SwitchError):
    """A switch does not take a command."""


class ChangeFailed(SwitchError):
    """A change of a switch was refused, or begun and not carried through.

    :param configuration: which one the switch has: ``old``, ``new``; ``between`` and
        ``unknown`` where a person must go and look.
    """

    def __init__(self, what: str, *, where: str = "", do: str = "", configuration: str) -> None:
        super().__init__(what, where=where, do=do)
        self.configuration = configuration


class LeaseLost(JournalError):
    """Another ictops process has taken this run over; this one must stop at once."""


class RunError(IctopsError):
    """A run cannot be started, steered or found."""


class RunCarried(RunError):
    """A living process carries the run already."""


class TrustError(IctopsError):
    """A host key is unknown or has changed, or a vault cannot be opened."""


class ImageError(IctopsError):
    """An image, its disk, or a key or job of imaging is not as it must be."""


class ImageDamaged(ImageError):
    """What is stored of an image is not what was published."""

    exit_code = Exit.FAULTS


class BackupError(IctopsError):
    """What is asked for is in no backup, or cannot be brought back as it is asked for."""

    exit_code = Exit.FAULTS


class BackupServerSilent(BackupError):
    """A backup server does not answer, or cannot look into its repositories."""

    exit_code = Exit.STRAGGLERS


class NotifyError(IctopsError):
    """notify.yml is not as it must be."""

    exit_code = Exit.FAULTS


class NotSent(IctopsError):
    """A message could not be sent; why, without the secrets of its address."""


class LabError(IctopsError):
    """The lab cannot be brought up, or has no such host."""
