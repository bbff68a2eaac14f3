# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a file has in it, as a hash."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

BLOCK = 1 << 20


def sha256_of(file: BinaryIO) -> str:
    """Give the SHA-256 of an open file in hexadecimal."""
    hashed = hashlib.sha256()
    while data := file.read(BLOCK):
        hashed.update(data)
    return hashed.hexdigest()
