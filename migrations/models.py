"""Every table of the house, imported in one place: what a migration or a fresh schema must know."""

import importlib
from pathlib import Path

_ROOMS = Path(__file__).resolve().parent.parent


def import_tables() -> None:
    """Import every `tables.py` and the base files that keep a table of their own."""
    for path in sorted(_ROOMS.glob("*/tables.py")) + sorted(
        path for depth in ("*/*", "*/*/*") for path in _ROOMS.glob(f"{depth}/tables.py")
    ):
        parts = path.relative_to(_ROOMS).with_suffix("").parts
        if parts[0] not in {"bank", "tests"} and not parts[0].startswith("."):
            importlib.import_module(".".join(parts))
    for module in ("base.jobs", "base.idempotency"):
        importlib.import_module(module)


import_tables()
