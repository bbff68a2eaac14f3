#!/usr/bin/env python3
"""Publish an image without content, and make the control box's key: ``publish.py FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from ictops.imaging.published import ImagingFolder
from tests.support.published import make_key, publish


def main() -> None:
    """Do both, and write down how the image is named."""
    folder = Path(sys.argv[1])
    images = ImagingFolder(folder)
    digest = publish(images)
    make_key(images)
    named = {"name": "pc", "version": "2026.1", "digest": digest}
    (folder / "published.json").write_text(json.dumps(named))


if __name__ == "__main__":
    main()
