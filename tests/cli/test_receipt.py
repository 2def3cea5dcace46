"""`databourse receipt`: what it asks for, and what it says where less was asked."""

import base64
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from base.clock import SimulatedClock
from cli.main import app
from ledger.checkpoint import Checkpoint, Receipt, sign_checkpoint
from ledger.tree import leaf_hash
from tests.databases import on_sqlite
from tests.ledger.test_witness import LOG as CITY
from tests.ledger.test_witness_federation import EXCHANGE, PROVINCE, chain
from tests.ledger.witnesses import LOG, ORIGIN, cosigner

ENTRY = b"entry"
WITNESSES = f"""log {LOG.vkey}
witness a {cosigner("a").vkey}
witness b {cosigner("b").vkey}
group both all a b
"""


def checked(folder: Path, *options: str) -> Result:
    """The receipt of one entry in a tree of one, under a checkpoint that no witness has cosigned."""
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, leaf_hash(ENTRY)), LOG)
    (folder / "one.tlog-proof").write_bytes(Receipt(0, (), note).text())
    (folder / "entry").write_bytes(ENTRY)
    given = ["receipt", str(folder / "one.tlog-proof"), "--entry", str(folder / "entry"), *options]
    return CliRunner().invoke(app, given)


@pytest.mark.parametrize(
    ("quorum", "code", "said"),
    [
        ("", 1, "policy-invalid: a policy names its quorum"),
        ("quorum both\n", 1, "unwitnessed"),
        ("quorum none\n", 0, "the entry is there"),
    ],
)
def test_a_policy_without_its_quorum_is_refused_and_not_taken_for_none(
    tmp_path: Path, quorum: str, code: int, said: str
) -> None:
    (tmp_path / "policy").write_text(WITNESSES + quorum)
    answer = checked(tmp_path, "--policy", str(tmp_path / "policy"))
    assert (answer.exit_code, said in answer.output) == (code, True), answer.output


async def test_who_stated_a_city_s_checkpoint_is_checked_where_the_key_is_given(
    sqlite_template: Path, clock: SimulatedClock, tmp_path: Path
) -> None:
    file = tmp_path / "entry.federated.json"
    async with on_sqlite(sqlite_template, tmp_path / "province.db") as database:
        file.write_bytes((await chain(database, clock, tmp_path / "log")).text())

    def asked(*options: str) -> Result:
        pins = ["--vkey", str(CITY.vkey), "--province-vkey", str(PROVINCE.vkey)]
        return CliRunner().invoke(app, ["receipt", str(file), *pins, *options])

    key, other = (base64.b64encode(one).decode() for one in (EXCHANGE.pen.key.public, CITY.key.public))
    unpinned = asked()
    assert unpinned.exit_code == 0
    assert "who signed that statement was not checked" in unpinned.output
    pinned = asked("--province-exchange", key)
    assert (pinned.exit_code, pinned.output.splitlines()[-1]) == (0, "stated by the province's exchange")
    assert "not checked" not in pinned.output
    for wrong in (other, key[:-2], ""):
        refused = asked("--province-exchange", wrong)
        assert refused.exit_code == 1
        assert "stated by" not in refused.output
    alone = checked(tmp_path, "--vkey", str(LOG.vkey), "--province-exchange", key)
    assert alone.exit_code == 2
