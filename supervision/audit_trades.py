"""KEY, SIG, OPENING: trades are what their parties said, in their order, and nobody speaks out of turn.

The exchange signs the steps that follow from others' acts. So it is asked here that each statement was made
by one who may make it, that the steps of a trade chain, that a contract names a signature of every party
over that very contract, and that what was paid in and out is what was signed for, to the fen.
"""

from collections.abc import Iterator
from typing import Any, Final

from ledger.rotation import GENESIS
from supervision.audit_case import Case, Check
from supervision.audit_entry import Sealed
from supervision.audit_keys import REGISTER, REVOKE
from supervision.audit_money import (
    PAID,
    STATED,
    judge_instruction,
    judge_money,
    money_of,
    remember_instruction,
    remember_money,
)
from supervision.audit_moves import (
    AWARD,
    DONE,
    FREEZE,
    FROZEN,
    INQUIRE,
    MOVES,
    OPERATOR,
    OVER,
    SEATS,
    SIGN,
    SPEAKERS,
    TAKE_OVER,
    TRADE_SPEAKERS,
    UNFREEZE,
)
from supervision.audit_queries import OF_QUERIES, judge_queries
from supervision.audit_report import Code, Problem
from supervision.audit_tile import TRADE, Batch
from supervision.audit_usage import USAGE, judge_usage, remember_plan

_SEATS: Final = {"PROVIDER": "seller_id", "BUYER": "buyer_id", "BROKER": "broker_id"}
_NOT_CONCLUDED: Final = frozenset({"INQUIRED", "NEGOTIATING", "CONTRACT_READY", FROZEN})
_CLOSELY: Final = frozenset({SIGN, FREEZE, UNFREEZE}) | PAID

_MANDATES: Final = "MND."
_SIGNED: Final = "MND.SIGN"
_LOST: Final = "MND.TERMINATE"
_MANDATE_ENDS: Final = frozenset({"MND.REVOKE", "MND.EXPIRE", "MND.HAND_OVER", "MND.FULFIL", TAKE_OVER})
_DIGITS: Final = 19
_APART: Final = "/"
_GOES_ON: Final = (
    "this log goes on from another one, which was not audited: what its trades rest on there was not looked "
    "at; give that log with --after"
)
_EXCHANGE: Final = frozenset({OPERATOR})

Judged = Iterator[tuple[Code, str]]
Trade = dict[str, Any]  # state, seats; signed {envelope: [org, contract]}, frozen [state, role], met; money


def statements_are_for_their_speakers(case: Case) -> Check:
    """KEY: what is said is for that role to say, and of the organisation that it names."""
    while (batch := (yield)) is not None:
        for said in batch.said:
            if said is None or said.seq in batch.blamed or _in_turn(said, case.memory.keyring.operator_id):
                continue
            for why in _out_of_turn(case, said):
                case.problem(Code.KEY, why, seq=said.seq)


def _in_turn(said: Sealed, operator_id: str | None) -> bool:
    """Whether nothing can be wrong with who says it: nearly always, and so asked first."""
    predicate = said.predicate
    if predicate.get("role") == OPERATOR:
        return predicate.get("actor") == operator_id and (
            said.event in TRADE_SPEAKERS or SPEAKERS.get(said.event) == _EXCHANGE
        )
    return said.event in TRADE_SPEAKERS


def _out_of_turn(case: Case, said: Sealed) -> Iterator[str]:
    role, keyring = said.text("role"), case.memory.keyring
    if role == OPERATOR and keyring.operator_id not in {None, said.text("actor")}:
        yield f"{said.text('actor')} is not the exchange of this log"
    if said.event in {REGISTER, REVOKE}:
        yield from _for_a_key(case, said)
        return
    speakers = SPEAKERS.get(said.event)
    if speakers is None or role is None:
        return
    if role not in speakers:
        yield f"{said.event} is not for {role} to say"
    seat = SEATS.get((said.event, role))
    if seat in said.predicate and said.text("actor") != said.text(seat or ""):
        yield f"{said.text('actor')} is not the {seat} that it names"
    if said.event == "MND.SIGN" and role != said.text("side"):
        yield f"a mandate of the side {said.text('side')} is not for {role} to sign"


def _for_a_key(case: Case, said: Sealed) -> Iterator[str]:
    """Keys are registered and revoked by their organisation, in a role it has there, or by the exchange."""
    role, actor, keyring = said.text("role"), said.text("actor"), case.memory.keyring
    if actor not in {said.text("org_id"), keyring.operator_id}:
        yield f"{said.event} is for the organisation of the key, or the exchange, to say"
        return
    stated = said.predicate.get("roles")
    spoken = {role for role in stated if type(role) is str} if type(stated) is list else set()
    for signature in said.signatures:
        if keyring.org_of(signature.keyid) == actor:
            spoken |= keyring.roles_of(signature.keyid)
    if actor != said.text("org_id") and role != OPERATOR:
        yield f"{said.event} of another organisation's key is not for {role} to say"
    elif role not in spoken:
        yield f"{said.event} is not said in a role of the keys that sign it"


def trades_are_as_their_parties_said(case: Case) -> Check:
    """KEY, SIG, OPENING: steps in order, by those who may take them; contracts signed by all; the sums."""
    trades = case.memory.trades
    while (batch := (yield)) is not None:
        for said in batch.said:
            if said is None:
                continue
            if not said.event.startswith(TRADE):
                _beside(case, batch, said)
                continue
            trade = _trade(case, said.object_id) or _begun(case, said)
            if trade is None or not _plain_step(trade, said):
                for code, why in _judge(case, trade, batch, said):
                    case.problem(code, why, seq=said.seq)
            if trade is not None:
                _remember(case, trade, batch, said)
                trades.put(said.object_id, trade)
    if case.memory.goes_on:
        case.report.warnings.append(Problem(Code.GOES_ON, _GOES_ON))


def _beside(case: Case, batch: Batch, said: Sealed) -> None:
    """What is no step of a trade and yet matters to trades."""
    if said.event == GENESIS and case.memory.keyring.earlier is None:
        case.memory.goes_on = said.predicate.get("previous") is not None
    elif said.event in OF_QUERIES:
        for why in judge_queries(case, said):
            case.problem(Code.KEY, why, seq=said.seq)
    elif said.event == USAGE:
        for code, why in judge_usage(case, said, batch.charges.get(said.seq)):
            case.problem(code, why, seq=said.seq)
    elif said.event.startswith(_MANDATES):
        _of_a_mandate(case, said)
        if said.event == TAKE_OVER:
            for why in _taken_over(case, said):
                case.problem(Code.KEY, why, seq=said.seq)


def _of_a_mandate(case: Case, said: Sealed) -> None:
    """Until when a mandate runs, and that it has ended: a contract may then be without its broker's name."""
    mandate_id = said.text("mandate_id")
    if mandate_id is None or said.event not in {_SIGNED, _LOST, *_MANDATE_ENDS}:
        return
    ends_at = None if said.event == _LOST else said.text("ends_at")
    kept = {"ends_at": ends_at, "ended": said.event in _MANDATE_ENDS}
    case.memory.trades.put(f"mandate{_APART}{mandate_id}", kept)


def _may_be_unsigned(case: Case, trade: Trade, said: Sealed) -> bool:
    """Whether the mandate of the contract is over, and was not lost with a certificate."""
    known = case.memory.trades.get(f"mandate{_APART}{trade.get('mandate')}")
    if known is None:
        return case.memory.goes_on
    ends_at, now = known["ends_at"], said.text("occurred_at")
    return known["ended"] or (ends_at is not None and now is not None and ends_at < now)


def _taken_over(case: Case, said: Sealed) -> Iterator[str]:
    """A client takes its seat back from its broker, which has none in these trades from then on."""
    named, client = said.predicate.get("trades"), _SEATS.get(said.text("side") or "", "")
    for trade_id in named if type(named) is list else ():
        trade = _trade(case, trade_id) if type(trade_id) is str else None
        if trade is None:
            if not case.memory.goes_on:
                yield "takes over a trade that no inquiry began"
            continue
        seats, state = trade["seats"], trade["state"]
        if state not in _NOT_CONCLUDED:
            yield f"takes over a trade that is {state}"
        elif seats.get(client, said.text("client_id")) != said.text("client_id"):
            yield "takes over another's trade"
        elif seats.get("broker_id", said.text("broker_id")) != said.text("broker_id"):
            yield "takes over from one who is not the broker of the trade"
        else:
            seats["broker_id"] = None
            trade.pop("signed", None)  # of a contract that named the broker
            trade.pop("amounts", None)
            case.memory.trades.put(trade_id, trade)


def _plain_step(trade: Trade, said: Sealed) -> bool:
    """Whether this is a step in its order, by who may take it, of the same parties: nearly always.

    Contracts, payments and freezes are looked at more closely.
    """
    predicate, role = said.predicate, said.text("role")
    move = MOVES.get((trade["state"], said.event))
    if move is None or role not in move[0] or said.event in _CLOSELY:
        return False
    seats, own = trade["seats"], _SEATS.get(role or "")
    return (
        predicate.get("from") == trade["state"]
        and predicate.get("to") == move[1]
        and (own is None or (own in seats and predicate.get("actor") == seats[own]))
        and not [seat for seat, org_id in seats.items() if predicate.get(seat, org_id) != org_id]
    )


def _trade(case: Case, trade_id: str) -> Trade | None:
    """A trade that is known. What has a slash in its id is none: other things are kept under such names."""
    known: Trade | None = None if _APART in trade_id else case.memory.trades.get(trade_id)
    return known


def _begun(case: Case, said: Sealed) -> Trade | None:
    """A trade as its inquiry begins it; or as it is first met, where the log before is not at hand."""
    if _APART in said.object_id:
        return None
    if said.event in {INQUIRE, AWARD}:
        return {"state": None, "seats": {seat: said.text(seat) for seat in _SEATS.values()}}
    if not case.memory.goes_on:
        return None
    state = "CONTRACT_READY" if said.event == SIGN else said.text("from")
    seats = {seat: said.text(seat) for seat in _SEATS.values() if seat in said.predicate}
    return {"state": state, "seats": seats, "met": True}


def _judge(case: Case, trade: Trade | None, batch: Batch, said: Sealed) -> Judged:
    role = said.text("role")
    speakers = TRADE_SPEAKERS.get(said.event)
    if speakers is None:
        yield Code.KEY, f"{said.event} is no step of a trade"
        return
    wrong = list(_same_parties(trade, said)) if trade is not None else []
    if said.event == SIGN and len(said.signatures) > 1:
        wrong.append((Code.KEY, "each party signs a contract in an envelope of its own"))
    if said.event != SIGN and role is not None and role not in speakers:
        wrong.insert(0, (Code.KEY, f"{said.event} is not for {role} to say"))
    yield from wrong
    if not wrong and not case.torn and said.seq not in batch.blamed:
        yield from _in_order(trade, said)
    if said.event == "TRD.CONTRACT" and not case.torn and not _met(case, trade):
        yield from _signed_by_all(case, trade, said)
    if trade is not None and said.event in PAID:
        yield from judge_money(trade, said.event, _amounts(batch, said))
        yield from judge_instruction(trade, said.event, said.text("instruction_sha256"))


def _met(case: Case, trade: Trade | None) -> bool:
    """Whether the beginning of a trade may be in an earlier log that is not at hand."""
    return trade is not None and "met" in trade and case.memory.goes_on


def _same_parties(trade: Trade, said: Sealed) -> Judged:
    """The parties stay who they were at the inquiry, and each speaks from its own seat."""
    for seat, org_id in trade["seats"].items():
        if said.predicate.get(seat, org_id) != org_id:
            yield Code.KEY, f"names another {seat} than the inquiry"
    own = _SEATS.get(said.text("role") or "", "")
    if own in trade["seats"] and said.text("actor") != trade["seats"][own]:
        yield Code.KEY, f"{said.text('actor')} is not the {said.text('role')} of this trade"


def _in_order(trade: Trade | None, said: Sealed) -> Judged:
    """The step begins where the last one ended, and leads where such a step leads."""
    if trade is None:
        yield Code.KEY, "a step of a trade that no inquiry began"
        return
    state: str | None = trade["state"]
    move = MOVES.get((state, said.event))
    if move is None:
        yield Code.KEY, f"a trade that is {state or 'not begun'} does not take {said.event}"
        return
    frozen_in, frozen_by = trade.get("frozen", (None, None))
    if said.event == SIGN:
        return  # all parties sign the identical payload, which names no state
    role, roles, to = said.text("role"), move[0], move[1] or frozen_in
    if role is not None and role not in roles and role in TRADE_SPEAKERS[said.event]:
        yield Code.KEY, f"{said.event} of a trade that is {state} is not for {role} to say"
    if said.text("from") != state or said.text("to") != to:
        stated = f"{said.text('from')} to {said.text('to')}"
        yield Code.KEY, f"{said.event} leads from {state} to {to}, and says {stated}"
    if role == OPERATOR and frozen_by not in {None, OPERATOR} and said.event == UNFREEZE:
        yield Code.KEY, "the exchange lifts an authority's freeze"
    if said.event == FREEZE and state == FROZEN and frozen_by != OPERATOR:
        yield Code.KEY, "an authority's freeze stands already"


def _remember(case: Case, trade: Trade, batch: Batch, said: Sealed) -> None:
    """What the steps to come are held against."""
    if said.event == SIGN:
        org_id = case.memory.keyring.org_of(said.signatures[0].keyid)
        contract, signed = said.text("contract_sha256"), trade.setdefault("signed", {})
        drawn_up_anew = any(other != contract for _, other in signed.values())
        signed[batch.envelopes[said.seq]] = [org_id, contract]
        if drawn_up_anew or not trade.get("amounts"):
            trade["amounts"] = _amounts(batch, said)
        remember_plan(case, said, batch.charges.get(said.seq))
        return
    if said.event == FREEZE:
        inside = trade["state"] if trade["state"] != FROZEN else trade.get("frozen", [None])[0]
        trade["frozen"] = [inside, said.text("role")]
    elif said.event == UNFREEZE:
        trade.pop("frozen", None)
    elif said.event == "TRD.PRECHECK_PASS":
        trade["mandate"] = said.text("mandate_id")
    elif said.event == "TRD.CONTRACT":
        trade.pop("signed", None)
    remember_money(trade, said.event, _amounts(batch, said))
    remember_instruction(trade, said.event, said.text("instruction_sha256"))
    trade["state"] = state = said.text("to") or trade["state"]
    if state in OVER:
        kept = {"state": state, "seats": trade["seats"] if state in DONE else {}}
        kept |= money_of(trade)
        trade.clear()
        trade |= kept


def _signed_by_all(case: Case, trade: Trade | None, said: Sealed) -> Judged:
    """The envelopes a contract names are there, one of each party, over this very contract.

    The broker's alone may be missing (`unsigned`), once its mandate has ended.
    """
    named = said.predicate.get("signatures")
    signed = trade.get("signed", {}) if trade is not None else {}
    if type(named) is not list or not all(type(one) is str and one in signed for one in named):
        yield Code.SIG, "names signatures of the contract that are not there"
        return
    parties = {org_id for org_id in (trade["seats"].values() if trade else ()) if org_id is not None}
    without = said.predicate.get("unsigned")
    if trade is not None and without is not None:
        if without != [trade["seats"].get("broker_id")] or not _may_be_unsigned(case, trade, said):
            yield Code.SIG, "a contract without a party whose signature was awaited"
        parties -= {trade["seats"].get("broker_id")}
    of_this = {signed[one][0] for one in named if signed[one][1] == said.text("contract_sha256")}
    if of_this != parties or len(named) != len(parties):
        yield Code.SIG, "not every party has signed this contract"


def _amounts(batch: Batch, said: Sealed) -> dict[str, str]:
    stated = batch.amounts.get(said.seq, {})
    known = {name: stated[name] for name in STATED if name in stated}
    return {name: text for name, text in known.items() if len(text) <= _DIGITS and text.isdecimal()}
