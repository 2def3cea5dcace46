"""The harness is tried at its smallest: what it prints, and that a wrong result is not passed over."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import orjson

from tests.bench.figures import FIGURES

ROOT: Final = Path(__file__).resolve().parents[2]
LINE: Final = {"name", "ours", "floor", "ratio", "unit", "goal"}
SMALLEST: Final = """
from market.settlement.messages import read_notification
from tests.bench import __main__ as bench, settlements
from tests.bench.measuring import Figure

honest = settlements.hear_bank

async def lost(ground):
    "Settle again, on a market whose first answer of all is given without writing anything."
    forgotten = []

    async def hear_bank(house, *, envelope, escrow, batch):
        if forgotten:
            return await honest(house, envelope=envelope, escrow=escrow, batch=batch)
        forgotten.append(read_notification(envelope.payload).movements[0].reference)
        return {"outcome": "settled", "trade_id": forgotten[0], "statement_id": "sta_lost"}

    settlements.hear_bank = hear_bank
    return await settlements.settle_sqlite(ground)

bench.FIGURES = (*bench.FIGURES, Figure("lost", "never", lost))
assert bench.main(["--seconds", "5", "--only", "proof", "--only", "audit"]) == 0
raise SystemExit(bench.main(["--seconds", "5", "--only", "settle_sqlite", "--only", "lost"]))
"""


def test_every_figure_is_a_line_and_a_lost_write_fails_the_run():
    run = subprocess.run([sys.executable, "-c", SMALLEST], cwd=ROOT, stdout=subprocess.PIPE, check=False)
    proof, audit, settled, probe, lost = [orjson.loads(line) for line in run.stdout.splitlines()]

    assert proof.keys() in (LINE, {"name", "why"})  # without PostgreSQL it says so
    assert audit.keys() == settled.keys() == LINE
    assert (audit["name"], audit["goal"]) == ("audit", "<= 1.5")
    assert (settled["name"], settled["goal"]) == ("settle_sqlite", ">= 0.35")
    assert abs(settled["ratio"] - settled["ours"] / settled["floor"]) <= 0.02 * settled["ratio"]
    assert probe.keys() == {"name", "beside", "ours", "unit"}
    assert (probe["name"], probe["beside"]) == ("fsync", "settle_sqlite")

    assert run.returncode == 1
    assert lost["name"] == "lost"
    assert lost["broken"].startswith("1 answered and not in the ledger, such as trd_")


def test_the_page_names_every_figure_with_its_goal():
    page = (ROOT / "docs" / "performance.md").read_text()
    told = re.findall(r"^\| `(\w+)` \| .* \| ([≥≤] [0-9.]+) \|$", page, re.MULTILINE)
    signs = str.maketrans({"≥": ">=", "≤": "<="})
    assert [(name, goal.translate(signs)) for name, goal in told] == [(f.name, f.goal) for f in FIGURES]
