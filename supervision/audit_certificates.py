"""KEY: a broker's certificate goes step by step, as its table allows, and nobody takes a step out of turn.

Each `BRK.*` statement says from where and to where its certificate (or the application it still is) goes. So
it is asked here that the steps chain, from the application to the end, that the role may take that step from
there, that who was suspended goes back to what it was, that no step comes before the time which an earlier
one has named, and that a holder has one certificate at a time, under a number of its own. And that no
contract is concluded with a reward for a broker without a seat that has no certificate then.
"""

from collections.abc import Iterator
from typing import Any, Final

from supervision.audit_case import Case, Check
from supervision.audit_entry import Sealed
from supervision.audit_moves import CERTIFICATE_MOVES, CERTIFICATE_SPEAKERS, OPERATOR
from supervision.audit_report import Code

CERTIFICATE: Final = "BRK."
_SUSPENDED: Final = "SUSPENDED"
_BACK: Final = frozenset({"ACTIVE", "RECTIFYING", "EXITING"})
_SUSPEND: Final = "BRK.SUSPEND"
_EMERGENCY_OVER: Final = "BRK.EMERGENCY_OVER"
_ENDS_REVIEW: Final = frozenset({"BRK.ANNUAL_FAIL", "BRK.RECTIFY_MISS"})
_BEGINS: Final = frozenset({"BRK.APPLY", "BRK.CERTIFY"})
# What does not come before the time that an earlier statement of the certificate has named.
_NOT_BEFORE: Final = {"BRK.CERTIFY": "notice_until", _EMERGENCY_OVER: "until", "BRK.EXIT": "exits_at"}
_VOTE: Final = "BRK.VOTE"
_CONTRACT: Final = "TRD.CONTRACT"
_BY_PANEL: Final = frozenset({"BRK.NOTICE", "BRK.REFUSE"})
_PANEL: Final = 3
_GRANTS: Final = frozenset({"BRK.CERTIFY", "BRK.RENEW"})
_MOMENT: Final = len("2026-11-23T01:00:00.000Z")

Certificate = dict[
    str, Any
]  # state, org, valid, votes; back: what a suspended one was; by: whose suspension; times


def certificates_go_step_by_step(case: Case) -> Check:
    """KEY: each step of a certificate follows from the one before; see the module."""
    while (batch := (yield)) is not None:
        for said in batch.said:
            if said is None or not said.event.startswith(CERTIFICATE):
                if said is not None and said.event == _CONTRACT and not case.torn:
                    _rewarded(case, said)
                continue
            known: Certificate | None = case.memory.trades.get(_key(said))
            found = known or _met(case, said)
            for why in _judge(case, found, said):
                if not case.torn and said.seq not in batch.blamed:
                    case.problem(Code.KEY, why, seq=said.seq)
            _remember(case, found or {"state": None, "org": said.text("org_id")}, said)


def _rewarded(case: Case, said: Sealed) -> None:
    """A reward is for who has a certificate when the contract is concluded (Civil Code 965, BR-BYPASS)."""
    broker_id, at = said.text("reward_to"), said.text("occurred_at") or ""
    if broker_id is None:
        return
    held = case.memory.trades.get(f"holder/{broker_id}")
    if held is None and case.memory.goes_on:
        return  # what it holds was stated before the log at hand
    if not any(state in _BACK and begin <= at <= end for state, begin, end in (held or {}).values()):
        case.problem(
            Code.KEY, f"concluded with a reward for {broker_id}, which is not certified", seq=said.seq
        )


def _key(said: Sealed) -> str:
    """Where a certificate is kept, beside the trades: no trade's id has a slash."""
    return f"certificate/{said.object_id}"


def _bar(said: Sealed) -> str:
    return f"barred/{said.text('org_id')}"


def _holder(said: Sealed) -> str:
    return f"holder/{said.text('org_id')}"


def _number(said: Sealed) -> str:
    return f"number/{said.text('cert_no')}"


def _met(case: Case, said: Sealed) -> Certificate | None:
    """A certificate as its first statement begins it; or as met, where the log before is not at hand."""
    if said.event in _BEGINS and said.text("from") is None:
        return {"state": None, "org": said.text("org_id")}
    if not case.memory.goes_on:
        return None
    return {"state": said.text("from"), "org": said.text("org_id"), "met": True}


def _judge(case: Case, held: Certificate | None, said: Sealed) -> Iterator[str]:
    role, speakers = said.text("role"), CERTIFICATE_SPEAKERS.get(said.event)
    if speakers is None:
        yield f"{said.event} is no step of a certificate"
    elif role in speakers:  # that another one speaks, `audit_trades` tells of every statement
        if held is None:
            yield "a step of a certificate that nobody applied for"
            return
        if said.text("org_id") != held["org"]:
            yield f"names another holder than {held['org']}"
        if said.predicate.get("cert_id", said.object_id) != said.object_id:
            yield "names another certificate than it is about"
        yield from _in_order(held, said)
        yield from _in_time(case, held, said)
        if said.event in _BY_PANEL and "met" not in held:
            yield from _by_panel(held, said)
        if said.event in _GRANTS:
            yield from _alone(case, said)


def _in_order(held: Certificate, said: Sealed) -> Iterator[str]:
    """The step begins where the last one ended, is that role's to take there, and leads where it leads."""
    state, role = held["state"], said.text("role")
    move = CERTIFICATE_MOVES.get((state, said.event))
    if move is None:
        yield f"a certificate that is {state or 'not begun'} does not take {said.event}"
        return
    if role not in move[0]:
        yield f"{said.event} of a certificate that is {state} is not for {role} to say"
    to = {move[1]} if move[1] is not None else {held["back"]} if held.get("back") else _BACK
    if said.text("from") != state or said.text("to") not in to:
        stated = f"{said.text('from')} to {said.text('to')}"
        yield f"{said.event} leads from {state} to {' or '.join(sorted(to))}, and says {stated}"
    if state == _SUSPENDED and "by" in held and held["by"] != OPERATOR:
        if said.event == _SUSPEND:
            yield "a suspension stands that is no emergency of the exchange's"
        elif said.event == _EMERGENCY_OVER:
            yield "the exchange ends a suspension that is not its own"


def _in_time(case: Case, held: Certificate, said: Sealed) -> Iterator[str]:
    """What an earlier statement has named a time for does not come before; nor who is barred."""
    at, named = said.text("occurred_at") or "", _NOT_BEFORE.get(said.event, "")
    if _is_moment(at) and at <= held.get(named, ""):
        yield f"{said.event} at {at}, and not after {held[named]}"
    if held["state"] is None and _is_moment(at) and at <= (case.memory.trades.get(_bar(said)) or ""):
        yield "certified, or asks to be, within the bar of a revocation"


def _by_panel(held: Certificate, said: Sealed) -> Iterator[str]:
    """A panel of three or more decides: no more than have voted; fewer where a tie was declared since."""
    votes, stated = said.predicate.get("votes"), held.get("votes", 0)
    if type(votes) is not int or not _PANEL <= votes <= stated:
        yield f"decided by {votes} votes of {stated} that were stated; a panel is {_PANEL} or more"


def _alone(case: Case, said: Sealed) -> Iterator[str]:
    """A number is one certificate's; a holder has one at a time, and none beside one that is suspended."""
    if case.memory.trades.get(_number(said)) not in {None, said.object_id}:
        yield f"the number {said.text('cert_no')} is another certificate's"
    begin, end = (said.text(name) or "" for name in ("valid_from", "valid_to"))
    for cert_id, (state, its_begin, its_end) in (case.memory.trades.get(_holder(said)) or {}).items():
        overlaps = begin <= its_end and its_begin <= end
        if cert_id != said.object_id and (state == _SUSPENDED or (state in _BACK and overlaps)):
            yield f"a second certificate beside {cert_id}, which is {state}"


def _remember(case: Case, held: Certificate, said: Sealed) -> None:
    """What the steps to come are held against."""
    before, to = held["state"], said.text("to")
    if to == _SUSPENDED:
        if said.event in _ENDS_REVIEW:
            held["back"] = "ACTIVE"
        elif before != _SUSPENDED:
            held["back"] = before
        if said.event not in {"BRK.ANNUAL_REPORT", "BRK.RECTIFIED"}:
            held["by"] = said.text("role") if said.event == _SUSPEND else None
    else:
        held.pop("back", None)
        held.pop("by", None)
    for name in _NOT_BEFORE.values():
        if _is_moment(moment := said.text(name) or ""):
            held[name] = moment
    if _is_moment(barred := said.text("barred_until") or ""):
        case.memory.trades.put(_bar(said), barred)
    if said.event == _VOTE:
        held["votes"] = held.get("votes", 0) + 1
    held["state"] = to or before
    case.memory.trades.put(_key(said), held)
    _enter(case, held, said)


def _enter(case: Case, held: Certificate, said: Sealed) -> None:
    """Keep a certificate among those of its holder, and its number."""
    if said.event in _GRANTS:
        held["valid"] = [said.text("valid_from") or "", said.text("valid_to") or ""]
        if said.text("cert_no") is not None:
            case.memory.trades.put(_number(said), said.object_id)
    if "valid" in held:
        mine = case.memory.trades.get(_holder(said)) or {}
        case.memory.trades.put(_holder(said), mine | {said.object_id: [held["state"], *held["valid"]]})


def _is_moment(text: str) -> bool:
    """Whether it is written as all moments are, so that their order is that of the text."""
    return len(text) == _MOMENT and text[-1] == "Z"
