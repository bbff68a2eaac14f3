"""What is said to whoever asks for what is not done."""

from __future__ import annotations


class Refused(Exception):
    """What was asked for is not done; ``status`` is HTTP's."""

    def __init__(self, status: int, fault: str) -> None:
        super().__init__(fault)
        self.status = status
        self.fault = fault
