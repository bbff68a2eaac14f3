"""One Python that stays on each host for the time of a play, and tasks in threads beside it."""
