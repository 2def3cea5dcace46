"""Fixtures of the registry's tests."""

import os
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
    command = [sys.executable, "-m", "registry.measure", str(flights), "--as-of", "2026-11-16T01:00:00Z"]
    with subprocess.Popen([*command, "--declared", str(declared), "--out", str(out)]) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return ByHand(parse_report(out.read_bytes()), usage.ru_maxrss)
