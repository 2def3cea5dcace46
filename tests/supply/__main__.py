"""`make sbom` and `make audit-deps`: what the exchange is made of, and what is known against it.

Exit codes of the audit: 0 asked and nothing found, 1 found, 3 nothing could be asked.
"""

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Final, TextIO

import orjson

from tests.supply.advisories import read_advisories, weaknesses
from tests.supply.bill import bill
from tests.supply.locks import Locked, read_lock

ROOT: Final = Path(__file__).resolve().parents[2]
LOCKS: Final = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-spark.lock",
    "requirements-shapes.lock",
)


def tell(text: str, *, file: TextIO | None = None) -> None:
    """A line, on standard output where nothing else is said."""
    (file or sys.stdout).write(f"{text}\n")


def main() -> int:
    """One of the two."""
    parser = argparse.ArgumentParser(prog="python -m tests.supply", description=__doc__)
    parser.add_argument("what", choices=("sbom", "audit"))
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "sbom.cdx.json")
    parser.add_argument("--advisories", type=Path, help="OSV documents of PyPI: a zip, a folder or a file")
    asked = parser.parse_args()
    return sbom(asked.out) if asked.what == "sbom" else audit(asked.advisories)


def sbom(out: Path) -> int:
    """Write the bill of what a running exchange needs."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    locked = read_lock(ROOT / "requirements.lock")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(orjson.dumps(bill(locked, version=version), option=orjson.OPT_INDENT_2) + b"\n")
    tell(f"{out}: {len(locked)} packages")
    return 0


def audit(advisories: Path | None) -> int:
    """Say what is known against anything in any lock."""
    locked: list[Locked] = []
    for name in LOCKS:
        locked += read_lock(ROOT / name)
    everything = sorted({(one.name, one.version): one for one in locked}.values(), key=lambda one: one.purl)
    if advisories is None:
        tell(
            f"NOT ASKED: {len(everything)} packages, and no advisories to hold against them.", file=sys.stderr
        )
        tell(
            "Fetch PyPI's all.zip from osv.dev, then: make audit-deps ARGS='--advisories all.zip'",
            file=sys.stderr,
        )
        return 3
    documents = list(read_advisories(advisories))
    found = weaknesses(everything, documents)
    for one in found:
        tell(f"{one.name} {one.version}: {one.advisory} {one.summary}")
    tell(f"{len(everything)} packages held against {len(documents)} advisories: {len(found)} found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
