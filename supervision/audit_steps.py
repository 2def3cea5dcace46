"""KEY: what the first-level market registers goes step by step, as the tables of `audit_registry` allow.

Each statement says from where and to where its object goes. So it is asked here that the steps chain from
the first one on, and that each is allowed from the state that the object is in, to this speaker.
"""

from collections.abc import Iterator
from typing import Any

from supervision.audit_case import Case, Check
from supervision.audit_entry import Sealed
from supervision.audit_incidents import late_is_said
from supervision.audit_registry import MACHINES, REGISTRY_EVENTS, Moves
from supervision.audit_report import Code

Held = dict[str, Any]  # state; met: it had begun before the log that is at hand


def registered_things_go_step_by_step(case: Case) -> Check:
    """KEY: each step of a registered thing follows from the one before; see the module."""
    while (batch := (yield)) is not None:
        for said in batch.said:
            if said is None or said.event not in REGISTRY_EVENTS:
                continue
            machine = MACHINES.get(said.object_id[:4])
            if machine is None:
                continue
            name, moves = machine
            key = f"{name}/{said.object_id}"  # beside the trades: no trade's id has a slash
            held: Held = case.memory.trades.get(key) or _begun(case, said)
            for why in _judge(name, moves, held, said):
                if not case.torn and said.seq not in batch.blamed:
                    case.problem(Code.KEY, why, seq=said.seq)
            held["state"] = said.text("to") or held["state"]
            case.memory.trades.put(key, held)


def _begun(case: Case, said: Sealed) -> Held:
    """As it begins; or as it was met, where the log before is not at hand."""
    return {"state": said.text("from") if case.memory.goes_on else None}


def _judge(name: str, moves: Moves, held: Held, said: Sealed) -> Iterator[str]:
    state = held["state"]
    move = moves.get((state, said.event))
    if move is None:
        yield f"a {name} that is {state or 'not begun'} does not take {said.event}"
        return
    roles, to = move
    if said.text("role") not in roles:
        yield f"{said.event} of a {name} is not an act of {said.text('role')}"
    if said.text("from") != state or said.text("to") != to:
        stated = f"{said.text('from')} to {said.text('to')}"
        yield f"{said.event} leads from {state} to {to}, and says {stated}"
    if name == "incident":
        yield from late_is_said(held, said)
