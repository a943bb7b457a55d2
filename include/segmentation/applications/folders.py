"""Files that others read: written in one step, named by a manifest that comes last."""

import hashlib
import uuid
from pathlib import Path

MANIFEST = "manifest.json"
WITHHELD = "fewer addresses with consent than min_customers"  # a reason in a manifest, for people


def sha256(content: bytes) -> str:
    """The checksum of a file, as a manifest names it."""
    return hashlib.sha256(content).hexdigest()


def put(path: Path, content: bytes) -> None:
    """Write a file in one step: a reader finds the old content or the new one."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    beside.write_bytes(content)
    beside.replace(path)


def remove(folder: Path) -> None:
    """Remove a folder and what is in it."""
    for one in folder.iterdir():
        if one.is_dir():
            remove(one)
        else:
            one.unlink()
    folder.rmdir()
