"""Print what arms a job: arm.py KEY MAC ID."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.signature import sign
from ictops.imaging.wire.state import Arm

key, mac, name = sys.argv[1:]
now = datetime.now(UTC)
begin, end = (now + timedelta(hours=hours) for hours in (-1, 1))
job = strict.dumps(
    Job(1, name, "look", "lab001-ws-01", "lab001", mac, None, begin.isoformat(), end.isoformat())
)
arm = Arm(job.decode(), sign(job, "ictops-job", Path(key)))
sys.stdout.write(strict.dumps(arm).decode())
