"""Statements of account: what postings say is what the log says, for whoever holds a bundle."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from base.canonical import canonical, sha256_hex
from base.errors import Malformed
from cli.main import app
from ledger.accounts import bank_cash, escrow_of, platform_fee
from ledger.acts import perform
from ledger.bundle import Record
from ledger.reader import export_rows, statements_of, tree_head
from ledger.recording import record
from ledger.sequencer import create_log, seal_all
from ledger.statement import Draft
from ledger.tables import TreeRow
from market.settlement.accounts import (
    COLUMNS,
    as_csv,
    commission_of,
    plain_cell,
    sign_statement,
    signed_statement,
    statement_of_account,
)
from market.settlement.errors import (
    AccountNotSealed,
    AccountStatementUnknown,
    PeriodMalformed,
)
from supervision.account import BARE_FORM, FORM, Checked, check_account
from tests.market.settlement.going_back import every_way
from tests.market.trade.scene import COMMISSION, PLATFORM_FEE, SELLER_PART, Scene
from tests.standstill import refused, untouched

FIRST, LAST = date(2026, 10, 1), date(2026, 11, 17)
T_PLUS_1 = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
EVENING = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)


@pytest.fixture
async def lively(scene) -> Scene:
    """Trades that were settled, settled in part, refunded, and refunded after release; all sealed."""
    await every_way(scene, T_PLUS_1)
    await sealed(scene)
    scene.clock.move_to(EVENING)
    return scene


async def sealed(scene: Scene) -> None:
    async with scene.database.write() as s:
        if await s.get(TreeRow, 1) is None:
            await create_log(s, origin="exchange.example/log", at=scene.clock.now())
    await seal_all(scene.database, scene.clock)


def accounts(scene: Scene) -> list[str]:
    orgs = (scene.seller, scene.buyer, scene.broker, scene.stranger)
    own = (commission_of(scene.broker.org_id), platform_fee(), bank_cash())
    return [*(escrow_of(org.org_id) for org in orgs), *own]


async def told(scene: Scene, account: str, since: date = FIRST, until: date = LAST) -> dict:
    async with scene.database.read() as s:
        return await statement_of_account(s, account=account, since=since, until=until, now=scene.clock.now())


async def signed(scene: Scene, account: str, since: date = FIRST, until: date = LAST):
    said = {"account": account, "since": since, "until": until}
    row = await scene.house.operator.do(sign_statement, attempted="ACC.STATEMENT", object_id=account, **said)
    await sealed(scene)
    return row


async def bundled(scene: Scene, *, openings: bool = True) -> list[Record]:
    """The log as a bundle carries it, of the regulator's edition or the public one."""
    async with scene.database.read() as s:
        head = await tree_head(s)
        rows = [row async for row in export_rows(s, size=head.size)]
    return [Record(seq, entry, opening if openings else None) for seq, entry, opening in rows]


async def checked(scene: Scene, document: bytes, *, openings: bool = True) -> Checked:
    return check_account(document, await bundled(scene, openings=openings))


async def test_every_account_moves_as_the_log_says(lively):
    for account in accounts(lively):
        row = await signed(lively, account)
        found = await checked(lively, row.document.encode())
        assert (found.problems, found.sound) == ([], True), account


async def test_what_each_party_sees(lively):
    mine = {lively.trades[state] for state in ("DELIVERED", "SETTLED", "ACCEPTED_GOODS")}
    kinds = {
        name: [
            (line["kind"], line["paid_in_minor"], line["paid_out_minor"])
            for line in document["lines"]
            if line["trade_id"] in mine
        ]
        for name, document in {
            "seller": await told(lively, escrow_of(lively.seller.org_id), since=date(2026, 11, 16)),
            "broker": await told(lively, escrow_of(lively.broker.org_id), since=date(2026, 11, 16)),
            "platform": await told(lively, platform_fee(), since=date(2026, 11, 16)),
        }.items()
    }
    assert kinds["seller"] == [
        ("CLAIM", str(SELLER_PART), "0"),
        ("SELLER", "0", "33626667"),
        ("SELLER", "0", str(SELLER_PART)),
    ]
    assert kinds["broker"][0] == ("CLAIM", str(COMMISSION), "0")
    assert kinds["platform"] == [
        ("CLAIM", str(PLATFORM_FEE), "0"),
        ("PLATFORM_FEE", "0", "346667"),
        ("PLATFORM_FEE", "0", str(PLATFORM_FEE)),
    ]
    buyer = await told(lively, escrow_of(lively.buyer.org_id))
    assert {line["kind"] for line in buyer["lines"]} == {"FUNDED", "REFUNDED"}
    assert int(buyer["closing_minor"]) == int(buyer["paid_in_minor"]) - int(buyer["paid_out_minor"])
    nobody = await told(lively, escrow_of(lively.stranger.org_id))
    assert (nobody["lines"], nobody["closing_minor"]) == ([], "0")


async def test_a_period_opens_where_the_one_before_closed(lively):
    account = escrow_of(lively.buyer.org_id)
    whole = await told(lively, account)
    middle = date(2026, 11, 15)
    early = await told(lively, account, until=middle)
    late = await told(lively, account, since=middle + timedelta(days=1))
    assert early["opening_minor"] == whole["opening_minor"] == "0"
    assert early["closing_minor"] == late["opening_minor"]
    assert late["closing_minor"] == whole["closing_minor"]
    assert [line["seq"] for line in early["lines"] + late["lines"]] == [
        line["seq"] for line in whole["lines"]
    ]


async def test_a_public_bundle_is_enough_for_whom_the_openings_were_told(lively):
    row = await signed(lively, escrow_of(lively.seller.org_id))
    found = await checked(lively, row.document.encode(), openings=False)
    assert (found.problems, found.signed_in is not None) == ([], True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: d["lines"].pop(), "not in the statement"),
        (lambda d: d["lines"].append(d["lines"][0]), "states no such payment"),
        (lambda d: d["lines"][0].update(paid_in_minor="1"), "says otherwise of amount_minor"),
        (lambda d: d["lines"][0].update(seq=3), "states no such payment"),
        (lambda d: d["lines"][0].update(envelope_sha256="0" * 64), "envelope_sha256"),
        (lambda d: d["lines"][0].update(balance_minor="7"), "not the sum so far"),
        (lambda d: d.update(opening_minor="5"), "opens at 5"),
        (lambda d: d.update(closing_minor="5"), "closing_minor"),
        (lambda d: d.update(account="escrow:org_x"), "states no such payment"),
        (lambda d: d.update(to="2026-11-16"), "not signed"),
    ],
)
async def test_another_statement_than_the_log_gives_is_found(lively, change, why):
    row = await signed(lively, escrow_of(lively.buyer.org_id))
    document = orjson.loads(row.document)
    change(document)
    found = await checked(lively, canonical(document))
    assert not found.sound
    assert any(why in problem for problem in found.problems), found.problems


async def test_the_exchange_signs_once_for_one_document_and_only_for_what_is_sealed(scene):
    account = escrow_of(scene.buyer.org_id)
    async with refused(scene.database, AccountNotSealed):
        await scene.house.operator.do(
            sign_statement,
            attempted="ACC.STATEMENT",
            object_id=account,
            account=account,
            since=FIRST,
            until=date(2026, 11, 15),
        )
    await sealed(scene)
    first = await signed(scene, account, until=date(2026, 11, 15))
    scene.clock.advance(timedelta(hours=1))
    again = await signed(scene, account, until=date(2026, 11, 15))
    assert (first.stated_id, first.sha256) == (again.stated_id, again.sha256)
    async with scene.database.read() as s:
        (said,) = await statements_of(s, object_id=first.stated_id)
        assert (said.event, said.predicate["statement_sha256"]) == ("ACC.STATEMENT", first.sha256)
        assert (await signed_statement(s, stated_id=first.stated_id, accounts=[account])).document
        with pytest.raises(AccountStatementUnknown):
            await signed_statement(s, stated_id=first.stated_id, accounts=["escrow:org_other"])


async def test_the_digest_tells_nobody_a_balance_that_did_not_move(scene):
    await sealed(scene)
    account, day = escrow_of(scene.buyer.org_id), date(2026, 11, 10)
    row = await signed(scene, account, since=day, until=day)
    shown = await told(scene, account, since=day, until=day)
    real = int(shown["opening_minor"])
    assert shown["lines"] == []
    guesses = [
        canonical(shown | {"opening_minor": str(n), "closing_minor": str(n)})
        for n in range(real - 50, real + 51)
    ]
    assert canonical(shown) in guesses  # who knows everything but the balance has it among these
    assert row.sha256 not in {sha256_hex(guess) for guess in guesses}
    assert orjson.loads(row.document) == shown | {"nonce": orjson.loads(row.document)["nonce"]}
    found = await checked(scene, row.document.encode())
    assert (found.problems, found.sound) == ([], True)


async def test_a_statement_of_before_there_was_a_nonce_still_checks(lively):
    account = escrow_of(lively.buyer.org_id)
    bare = await told(lively, account) | {"form": BARE_FORM}
    digest = sha256_hex(canonical(bare))

    async def say(s, act):
        public = {"account": account, "from": bare["from"], "to": bare["to"], "statement_sha256": digest}
        await record(s, act, Draft("ACC.STATEMENT", act.new_id("acs"), public=public, opening={}))

    house = lively.house.house
    await perform(house, house.exchange_act(), say, attempted="ACC.STATEMENT", object_id=account)
    await sealed(lively)
    assert (await checked(lively, canonical(bare))).sound
    for wrong in (
        bare | {"nonce": "0" * 64},
        bare | {"form": FORM},
        bare | {"form": FORM, "nonce": "0" * 63},
        bare | {"form": FORM, "nonce": 0},
    ):
        with pytest.raises(Malformed):
            await checked(lively, canonical(wrong))


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (date(2026, 11, 3), date(2026, 11, 2)),
        (date(1999, 12, 31), date(2026, 11, 2)),
        (date(2026, 11, 3), date(2026, 11, 30)),
    ],
)
async def test_a_period_is_of_days_that_have_begun(scene, since, until):
    async with untouched(scene.database, PeriodMalformed):
        await told(scene, platform_fee(), since, until)


async def test_the_csv_has_the_same_figures_and_no_formulas(lively):
    document = await told(lively, escrow_of(lively.seller.org_id))
    text = as_csv(document)
    assert text.count("\r\n") == len(document["lines"]) + 3
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["kind"], rows[-1]["kind"]) == ("OPENING", "CLOSING")
    yuan = [(row["paid_in"], row["paid_out"], row["balance"]) for row in rows[1:-1]]
    assert [tuple(int(cell.replace(".", "")) for cell in row) for row in yuan] == [
        tuple(int(line[f"{name}_minor"]) for name in ("paid_in", "paid_out", "balance"))
        for line in document["lines"]
    ]
    assert rows[-1]["balance"].startswith("-")
    for text in ("=1+1", "+cmd", "-cmd|x", "@SUM(A1)", "\tx", "\rx"):
        assert plain_cell(text) == f"'{text}"
    for text in ("-12.50", "12", "trd_x", ""):
        assert plain_cell(text) == text


def test_the_command_says_what_it_found(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(b"{}")
    said = CliRunner().invoke(app, ["account", str(tmp_path / "s.json"), str(tmp_path)])
    assert said.exit_code == 2
