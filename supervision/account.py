"""Is a statement of account what the log says? Recomputed from a bundle, believing neither.

Every payment is stated on the log, its parties in public and its amount behind a commitment. The openings are
taken from the bundle, or from the statement itself where their digest is the one that was committed to.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from base.canonical import canonical, is_canonical, sha256_hex
from base.clock import parse_rfc3339, rfc3339
from base.errors import Malformed
from supervision.evidence.facts import Document, Fact, SealedRecord, opened_entries, read_facts

FORM: Final = "databourse/statement-of-account/v2"
BARE_FORM: Final = "databourse/statement-of-account/v1"  # of before documents had a nonce
SIGNED: Final = "ACC.STATEMENT"
_HOUSE: Final = "bank:escrow"
_PLATFORM: Final = "fee:platform"
_ESCROW: Final = "escrow:"
_COMMISSION: Final = "commission:"
_MEMBERS: Final = frozenset(
    {"form", "account", "currency", "from", "to", "until", "opening_minor", "paid_in_minor"}
    | {"paid_out_minor", "closing_minor", "lines"}
)
_NONCE: Final = re.compile("[0-9a-f]{64}")
_PARTS: Final = (
    ("seller_id", "seller_minor"),
    ("broker_id", "commission_minor"),
    ("buyer_id", "refund_minor"),
)
_STATED: Final = ("seq", "at", "event", "trade_id", "envelope_sha256")


@dataclass
class Checked:
    """What came of it: every difference in words, and the entry in which the exchange stands for it."""

    lines: int
    problems: list[str] = field(default_factory=list)
    signed_in: int | None = None

    @property
    def sound(self) -> bool:
        return not self.problems and self.signed_in is not None


def check_account(document: bytes, records: Iterable[SealedRecord]) -> Checked:
    """Compare a statement of account with the entries of a bundle, which was audited by itself.

    Raises Malformed for what is no such document, UnusableLedger for entries that are not of their form.
    """
    told = _read(document)
    checked = Checked(lines=len(told["lines"]))
    openings = {
        sha256_hex(line["opening"].encode()): orjson.loads(line["opening"])
        for line in told["lines"]
        if isinstance(line["opening"], str)
    }
    digest, before, found = sha256_hex(document), 0, []
    since = parse_rfc3339(f"{told['from']}T00:00:00+08:00")
    until = parse_rfc3339(told["until"])
    for record, fact in _facts(records, openings):
        if fact.event == SIGNED and fact.said.get("statement_sha256") == digest:
            if fact.said.get("account") == told["account"] and checked.signed_in is None:
                checked.signed_in = fact.seq
            continue
        moved = _moved(told["account"], fact)
        if moved is None or not moved[0] or fact.at >= until:
            continue
        amount, known = moved
        if not known:
            where = "before the period" if fact.at < since else "in the period"
            checked.problems.append(f"entry {fact.seq}: a payment {where} whose opening is not to be had")
        elif fact.at < since:
            before += amount
        else:
            found.append(_line(record, fact, amount))
    if checked.signed_in is None:
        checked.problems.append("the exchange has not signed for this document in this log")
    _compare(told, before, found, checked)
    return checked


def _facts(
    records: Iterable[SealedRecord], openings: Mapping[str, Document]
) -> Iterator[tuple[Document, Fact]]:
    """Entry by entry, with its opening from the bundle, or the one that the statement hands in."""
    for seq, entry, opening in opened_entries(records):
        (fact,) = read_facts([(seq, entry, opening)])
        committed = fact.said.get("opening")
        if opening is None and isinstance(committed, dict):
            known = openings.get(str(committed.get("sha256")))
            if known is not None:
                (fact,) = read_facts([(seq, entry, known)])
        yield entry, fact


def _moved(account: str, fact: Fact) -> tuple[int, bool] | None:
    """(fen into escrow, whether it is known) that a statement moved on an account; None for none."""
    legs = [leg for leg in _legs(fact) if account in {_HOUSE, leg[0], _commission(leg, fact)}]
    if not legs:
        return None
    if not fact.opened:
        return legs[0][2], False  # an amount, whatever it is
    return sum(sign * int(fact.opened.get(member, 0)) for _, member, sign in legs), True


def _commission(leg: tuple[str, str, int], fact: Fact) -> str | None:
    """The commission account that a leg is of: the broker's part, or what it pays back of it."""
    paid = leg[1] == "commission_minor"
    back = fact.event == "PAY.CLAIM_PAID" and fact.said.get("payee") == "BROKER"
    return _COMMISSION + leg[0].removeprefix(_ESCROW) if paid or back else None


def _legs(fact: Fact) -> list[tuple[str, str, int]]:
    """What a statement says was paid: on which account, which member of its opening, in (1) or out (-1)."""
    said = fact.said
    if fact.event == "TRD.FUND":
        return [(f"{_ESCROW}{said.get('buyer_id')}", "amount_minor", 1)]
    if fact.event == "PAY.CLAIM_PAID":
        platform = said.get("payee") == "PLATFORM"
        return [(_PLATFORM if platform else f"{_ESCROW}{said.get('debtor_id')}", "amount_minor", 1)]
    if fact.event == "TRD.REFUND":
        return [(f"{_ESCROW}{said.get('buyer_id')}", "amount_minor", -1)]
    if fact.event != "TRD.SETTLE":
        return []
    seats = _PARTS if said.get("from") == "PARTIAL_SETTLE" else _PARTS[:2]
    told = {**said, "broker_id": said.get("broker_id") or said.get("reward_to")}
    paid = [(f"{_ESCROW}{told[seat]}", member, -1) for seat, member in seats if told.get(seat)]
    return [*paid, (_PLATFORM, "platform_fee_minor", -1)]


def _line(entry: Document, fact: Fact, amount: int) -> dict[str, Any]:
    return {
        "seq": fact.seq,
        "at": rfc3339(fact.at),
        "event": fact.event,
        "trade_id": fact.said.get("trade_id"),
        "envelope_sha256": sha256_hex(canonical(entry["envelope"])),
        "amount_minor": amount,
    }


def _compare(told: Document, before: int, found: list[dict[str, Any]], checked: Checked) -> None:
    """Line by line, and every sum."""
    if int(told["opening_minor"]) != before:
        checked.problems.append(f"opens at {told['opening_minor']}, and the log gives {before}")
    due = {line["seq"]: line for line in found}
    balance, paid_in, paid_out = int(told["opening_minor"]), 0, 0
    for number, line in enumerate(told["lines"], 1):
        amount = int(line["paid_in_minor"]) - int(line["paid_out_minor"])
        balance, paid_in = balance + amount, paid_in + int(line["paid_in_minor"])
        paid_out += int(line["paid_out_minor"])
        expected = due.pop(line["seq"], None)
        stated = {name: line[name] for name in _STATED} | {"amount_minor": amount}
        if expected is None:
            checked.problems.append(f"line {number}: entry {line['seq']} states no such payment")
        elif stated != expected:
            odd = sorted(name for name in expected if expected[name] != stated[name])
            checked.problems.append(f"line {number}: entry {line['seq']} says otherwise of {', '.join(odd)}")
        if int(line["balance_minor"]) != balance:
            checked.problems.append(f"line {number}: the balance is not the sum so far")
    for seq in sorted(due):
        checked.problems.append(f"entry {seq}: a payment of the period that is not in the statement")
    sums = {"closing_minor": balance, "paid_in_minor": paid_in, "paid_out_minor": paid_out}
    for name, value in sums.items():
        if int(told[name]) != value:
            checked.problems.append(f"{name} is not the sum of the lines")


def _read(document: bytes) -> dict[str, Any]:
    """The document, of its form. Raises Malformed."""
    try:
        told = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise Malformed("not JSON") from None
    if not isinstance(told, dict) or not _is_of_form(told):
        raise Malformed("not a statement of account that was signed", form=FORM)
    if not is_canonical(told, document):
        raise Malformed("not in its canonical form: the digest is of other bytes")
    return told


def _is_of_form(told: Document) -> bool:
    if told.get("form") == BARE_FORM:
        return told.keys() == _MEMBERS
    nonce = told.get("nonce")
    blind = isinstance(nonce, str) and _NONCE.fullmatch(nonce) is not None
    return told.get("form") == FORM and blind and told.keys() == _MEMBERS | {"nonce"}
