"""Fixtures of the registry's tests."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from registry.report import Report, parse_report
from tests.registry.samples import flights_declared, unpack_flights


@dataclass(frozen=True)
class ByHand:
    """A measurement made with the command line, and what it cost."""

    report: Report
    peak_kib: int


# A child's ru_maxrss begins with what its parent held when it forked; its own peak stands in /proc.
MEASURE_AND_TELL = """
import resource, runpy, sys
from pathlib import Path
peak = Path(sys.argv.pop(1))
try:
    runpy.run_module("registry.measure", run_name="__main__", alter_sys=True)
finally:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    told = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    peak.write_text(str(told[0] if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 336,776 flights of 2013, unpacked once."""
    return unpack_flights(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="session")
def by_hand(flights: Path, tmp_path_factory: pytest.TempPathFactory) -> ByHand:
    """The flights measured as a buyer would: `python -m registry.measure`."""
    folder = tmp_path_factory.mktemp("by-hand")
    declared, out = folder / "declared.json", folder / "report.json"
    declared.write_bytes(orjson.dumps(flights_declared().document()))
    peak = out.parent / "peak"
    command = [sys.executable, "-c", MEASURE_AND_TELL, str(peak), str(flights)]
    command += ["--as-of", "2026-11-16T01:00:00Z", "--declared", str(declared), "--out", str(out)]
    subprocess.run(command, check=True)
    return ByHand(parse_report(out.read_bytes()), int(peak.read_text()))
