"""S30B: money and books differ. Every difference between the bank's word and ours that the ledger states.

The exchange states them itself (`PAY.MISMATCH`): an entry that one side does not know, another amount than
was instructed, a payment that was rejected and made after all, or never answered for, a claim not paid.
One difference of the balances is told again every day until it is put right: that is one finding.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import (
    Checked,
    Confidence,
    Explanation,
    Finding,
    Market,
    Severity,
    Window,
    Words,
    named,
    seqs,
)
from supervision.trades import moment

BOOKS: Final = Market(category="", geo="")
"""A day's books belong to no relevant market: neither does a difference that names no trade."""
_BALANCES: Final = frozenset({"opening-balance", "closing-balance"})


def expression(tables: Tables, context: Context) -> Any:
    """Every stated difference so far, with the trade it names where there is one."""
    told = tables["payment_mismatches"]
    told = told.filter(told.at <= moment(context))
    trades = tables["trades"]
    trades = trades.filter(trades.agreed_at <= moment(context)).select(
        "trade_id", "category", "geo", "seller_id", "buyer_id", "broker_id", contract_seq="seq"
    )
    return told.left_join(trades, "trade_id").drop("trade_id_right").order_by("seq")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a difference; more than allowed means more than none of so many fen."""
    allowed = context.rules.whole("S30B", "difference_above")
    carried: dict[int, list[Row]] = {}
    for row in rows:
        difference = _difference(row)
        if difference is not None and abs(difference) <= allowed:
            continue
        if difference is not None and row["kind"] in _BALANCES:
            carried.setdefault(difference, []).append(row)
        else:
            yield _finding([row], context)
    for told in carried.values():
        yield _finding(told, context)


def _difference(row: Row) -> int | None:
    expected, actual = row["expected_minor"], row["actual_minor"]
    return None if None in (expected, actual) else int(actual) - int(expected)


def _finding(told: Sequence[Row], context: Context) -> Finding:
    """The first row says what differs; every row is evidence."""
    row = told[0]
    known = row["category"] is not None
    amounts = {"expected_minor": row["expected_minor"], "actual_minor": row["actual_minor"]}
    return Finding(
        rule_id="S30B",
        rule_version=context.rules.version("S30B"),
        severity=Severity.HIGH,
        says=Words(
            zh="涉嫌对账不符（银行单据与账簿不一致）",
            en="suspected difference between the bank's word and the books",
        ),
        market=Market(category=row["category"], geo=row["geo"]) if known else BOOKS,
        subjects=named((row["seller_id"], row["buyer_id"], row["broker_id"])),
        objects=named((row["trade_id"], f"entry {row['seq']}")),
        statistic={"kind": row["kind"]}
        | {name: str(value) for name, value in amounts.items() if value is not None}
        | ({"told": str(len(told))} if len(told) > 1 else {}),
        threshold=context.rules.threshold("S30B"),
        legal_basis=context.rules.legal_basis("S30B"),
        confidence=Confidence.HIGH,
        window=Window(row["at"], told[-1]["at"]),
        evidence_seqs=seqs(number for one in told for number in (one["seq"], one["contract_seq"])),
        innocent_explanations=(
            Explanation(
                "put-right",
                Words(zh="其后已更正或查明（PAY.RESOLVE）", en="put right or explained since (PAY.RESOLVE)"),
                Checked.OPEN,
                {"kind": row["kind"]},
            ),
        ),
    )


RULE = Rule(
    rule_id="S30B",
    needs={
        "payment_mismatches": ("seq", "at", "trade_id", "kind", "expected_minor", "actual_minor"),
        "trades": ("trade_id", "seller_id", "buyer_id", "agreed_at", "seq"),
    },
    expression=expression,
    findings=findings,
)
