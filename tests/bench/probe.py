"""What a flush costs in the folder where commits are flushed: a commit rate says little without it."""

import os
import statistics
import time
from pathlib import Path
from typing import Any, Final

_PAGE: Final = b"\xa5" * 8192
_PROBE_S: Final = 0.3


def fsync_probe(beside: str, folder: Path) -> dict[str, Any]:
    """The median of appending 8 KiB and flushing it, again and again for a moment."""
    path = folder / "fsync-probe"
    taken = []
    try:
        with path.open("wb", buffering=0) as file:
            until = time.perf_counter() + _PROBE_S
            while time.perf_counter() < until:
                began = time.perf_counter()
                file.write(_PAGE)
                os.fsync(file.fileno())
                taken.append(time.perf_counter() - began)
    finally:
        path.unlink(missing_ok=True)
    return {
        "name": "fsync",
        "beside": beside,
        "ours": float(f"{statistics.median(taken) * 1000:.3g}"),
        "unit": "ms to append and flush 8 KiB, p50",
    }
