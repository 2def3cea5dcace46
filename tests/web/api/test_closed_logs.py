"""Two logs of one exchange over HTTP: each stays where it was, and a statement keeps its receipt."""

from pathlib import Path

from base.clock import SimulatedClock
from cli.node_keys import next_log, rotate_log
from ledger import reader
from ledger.checkpoint import verify_receipt
from ledger.log_keys import log_keys, past_rows
from tests.web.nodes import opened, serving


async def test_a_closed_log_is_read_where_it_was_and_the_next_one_under_its_prefix(
    tmp_path: Path, clock: SimulatedClock
) -> None:
    async with serving(tmp_path, clock) as served:
        node = served.node
        seller = await served.admit("粤能数科", {"PROVIDER"})
        await served.settle_down()
        old = node.publisher.signer.vkey
        async with served.client() as http:
            head = (await http.get("/checkpoint")).content
            size = head.split(b"\n")[1].decode()
            tile = (await http.get(f"/tile/0/000.p/{size}")).content
            assert len(tile) == 32 * int(size)
        windows = (await rotate_log(node, "ed25519-sha256")).windows
        await next_log(node)
        async with node.database.read() as s:
            following = (await log_keys(s)).present
            first, *_ = await reader.statements_of(s, object_id=seller.org_id)
            (entry,) = [
                one async for one in past_rows(s, number=1) if first.envelope in one[1] and one[0] > 0
            ]
    assert following is not None
    async with opened(tmp_path, clock) as served:
        served.operator = seller
        await served.settle_down()
        async with served.client() as http:
            said = (await http.get("/.well-known/databourse")).json()
            assert said["origin"] == following.name
            assert said["vkeys"] == [{"vkey": str(following), "from_size": 0, "to_size": None}]
            base = served.node.settings.public_url
            last = old.name.rpartition("/")[2]
            assert said["checkpoint"] == f"{base}/{last}-2/checkpoint"
            (closed,) = said["closed"]
            assert (closed["origin"], closed["checkpoint"]) == (old.name, f"{base}/checkpoint")
            assert [window["vkey"] for window in closed["vkeys"]] == [str(one.vkey) for one in windows]
            for path in ("/checkpoint", f"/{last}/checkpoint"):
                final = (await http.get(path)).text
                assert final.startswith(f"{old.name}\n{closed['size']}\n"), path
            assert final.encode() != head
            assert (await http.get(f"/tile/0/000.p/{size}")).content == tile, (
                "an address never shows another log"
            )
            assert (await http.get(f"/{last}-2/checkpoint")).text.startswith(f"{following.name}\n")
            assert (await http.get(f"/{last}-2/tile/entries/000.p/1")).status_code == 200
            assert (await http.get(f"/{last}-3/checkpoint")).status_code == 404
        kept = await served.api(seller, "GET", f"/ledger/statements/{first.statement_id}")
        assert (kept["seq"], kept["log"], kept["witnessed"]) == (entry[0], old.name, None)
        keys = [window.vkey for window in windows]
        proven = verify_receipt(kept["receipt"].encode(), entry[1], keys).checkpoint
        assert (proven.origin, proven.size) == (old.name, closed["size"])
