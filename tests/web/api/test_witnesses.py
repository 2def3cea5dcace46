"""What a node says of its witnesses: on receipts, in the API, to a monitor, on the operator's page."""

from pathlib import Path

import pytest
from sqlmodel import update

from base.clock import SimulatedClock
from base.signing import SigningKey
from ledger.checkpoint import Cosigner
from ledger.tables import TreeRow
from tests.web.api.live import free_port
from tests.web.nodes import Served, serving
from tests.web.pages.browsing import Browser

WITNESS = Cosigner("province.test/witness", SigningKey.from_bytes(b"w" * 32)).vkey


def policy(folder: Path, quorum: str) -> Path:
    """One witness, at a port where nobody is."""
    path = folder / "policy"
    path.write_text(f"witness province {WITNESS} http://127.0.0.1:{free_port()}\nquorum {quorum}\n")
    return path


async def test_a_log_without_its_quorum_says_so_wherever_it_is_asked(
    tmp_path: Path, clock: SimulatedClock
) -> None:
    async with serving(tmp_path, clock, witness_policy_file=policy(tmp_path, "province")) as served:
        await served.settle_down()
        async with served.client() as http:
            head = (await http.get("/api/v1/ledger")).json()
            assert head["witnessed"] is False
            said = (await http.get("/api/v1/ledger/witnesses")).json()
            assert (said["witnessed"], said["witnessed_size"], said["halted"]) == (False, 0, None)
            assert said["published"] == said["lag"] == head["size"]
            (one,) = said["witnesses"]
            assert (one["vkey"], one["lag"], one["failures"]) == (str(WITNESS), head["size"], 1)
            assert one["problem"] == "no answer: ConnectError"
            receipt = await http.get("/api/v1/ledger/entries/0/receipt")
            assert receipt.headers["databourse-witnessed"] == "unwitnessed"
            assert receipt.headers["content-disposition"].endswith('"entry-0.unwitnessed.tlog-proof"')
            metrics = (await http.get("/metrics")).text
            assert f"databourse_ledger_unwitnessed_entries {head['size']}\n" in metrics
            assert "databourse_ledger_halted 0\n" in metrics
            particulars = (await http.get("/.well-known/databourse")).json()
            assert (particulars["witnesses"], particulars["witness"]) == ([str(WITNESS)], None)
            assert (await http.get("/api/v1/ledger/entries/0/federated")).status_code == 404
        browser = Browser(served, served.operator)
        assert "unwitnessed" in (await browser.get("/ops")).words
        assert "no answer: ConnectError" in (await browser.get("/ops")).words
        assert "unwitnessed" in (await browser.get("/ledger/checkpoints")).words
        assert "unwitnessed" in (await browser.get("/ledger/0")).words


@pytest.mark.parametrize("asked", [True, False])
async def test_where_no_quorum_is_asked_for_nothing_is_unwitnessed(
    tmp_path: Path, clock: SimulatedClock, *, asked: bool
) -> None:
    more = {"witness_policy_file": policy(tmp_path, "none")} if asked else {}
    async with serving(tmp_path, clock, **more) as served:
        await served.settle_down()
        async with served.client() as http:
            assert (await http.get("/api/v1/ledger")).json()["witnessed"] is None
            receipt = await http.get("/api/v1/ledger/entries/0/receipt")
            assert "databourse-witnessed" not in receipt.headers
            assert "databourse_ledger_unwitnessed_entries 0\n" in (await http.get("/metrics")).text
            assert (await http.get("/witness/v1")).status_code == 404  # this node is no witness
        assert "unwitnessed" not in (await Browser(served, served.operator).get("/ops")).words


async def halt(served: Served) -> None:
    async with served.node.database.write() as s:
        await s.exec(update(TreeRow).values(halted="province.test/witness: the published log is ahead"))


async def test_a_halted_log_is_not_ready_and_seals_nothing(tmp_path: Path, clock: SimulatedClock) -> None:
    async with serving(tmp_path, clock) as served:
        await served.settle_down()
        await halt(served)
        async with served.client() as http:
            size = (await http.get("/api/v1/ledger")).json()["size"]
            ready = await http.get("/ready")
            assert (ready.status_code, ready.json()["code"]) == (503, "unavailable")
            assert "databourse_ledger_halted 1\n" in (await http.get("/metrics")).text
            assert "The log is halted" in (await Browser(served, served.operator).get("/ops")).words
            assert (await http.get("/api/v1/ledger")).json()["size"] == size
