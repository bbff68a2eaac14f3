"""``python -m ictops.lab.farm FOLDER``: be a farm of simulated switches until SIGTERM."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ictops.errors import Exit, IctopsError
from ictops.lab.farm.server import run

WORDS = 2


def main() -> int:
    """Run the farm of the folder that the command line names; give the exit code."""
    if len(sys.argv) != WORDS:
        print("usage: python -m ictops.lab.farm FOLDER", file=sys.stderr)  # noqa: T201
        return Exit.USAGE
    try:
        asyncio.run(run(Path(sys.argv[1])))
    except IctopsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
