"""What a data subject does, for both doors: the exchange states it at the person's own word.

A word is taken once: its challenge is another one afterwards, so that nothing has to be remembered for a call
that comes again.
"""

from base64 import b32encode
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from base.db import WriteSession
from cases.filing import Paper, receive_paper
from cases.rules import Matter
from ledger.acts import perform
from ledger.recording import Act
from market.delivery.unconsented.service import withdraw_and_stop
from registry.subjects import asking, consenting, entering
from registry.subjects.entering import SESSION
from registry.subjects.rules import Wanted
from registry.subjects.tables import AskedRow, GivenRow, TieRow
from web.node import Node
from web.person_forms import (
    GiveForm,
    InvitationForm,
    PathForm,
    RequestForm,
    desk_of,
)
from web.person_views import (
    AcceptedView,
    ComplainedView,
    SessionView,
)

_CODE_BYTES: Final = 15
_Result = TypeVar("_Result")


def code_of(act: Act) -> str:
    """A code of 120 bits out of an act's own chance, so that the act played again tells the same."""
    text = b32encode(bytes.fromhex(act.nonce())[:_CODE_BYTES]).decode()
    return "-".join(text[at : at + 6] for at in range(0, len(text), 6))


async def said(node: Node, event: str, verb: Callable[[WriteSession, Act], Awaitable[_Result]]) -> _Result:
    """Have the exchange state what a person says. Raises what the verb raises."""
    house = node.house
    act = house.exchange_act()
    return await perform(house, act, verb, attempted=event, object_id=house.exchange.actor.org_id)


async def accept(node: Node, form: InvitationForm) -> AcceptedView:
    """Answer an invitation as a new person. Raises InvitationInvalid."""

    async def accepted(s: WriteSession, act: Act) -> tuple[TieRow, str]:
        code, desk = code_of(act), desk_of(node)
        tie = await entering.accept(s, act, desk=desk, code=code, invitation=form.invitation, did=form.did)
        return tie, code

    tie, code = await said(node, "SBT.TIE", accepted)
    opened = session(node, tie.subject_id or "")
    return AcceptedView(code=code, tie_id=tie.tie_id, **opened.model_dump())


async def accept_another(node: Node, subject_id: str, form: InvitationForm) -> TieRow:
    """Answer a further invitation. Raises InvitationInvalid."""

    async def accepted(s: WriteSession, act: Act) -> TieRow:
        desk = desk_of(node)
        return await entering.accept(
            s, act, desk=desk, subject_id=subject_id, invitation=form.invitation, did=form.did
        )

    return await said(node, "SBT.TIE", accepted)


async def sign_in(node: Node, code: str) -> SessionView:
    """A session for a code. Raises SubjectSignInFailed."""
    async with node.database.read() as s:
        found = await entering.sign_in(s, desk=desk_of(node), code=code)
    return session(node, found.subject_id)


def session(node: Node, subject_id: str) -> SessionView:
    """A session that begins now."""
    token = desk_of(node).session_for(subject_id, node.clock.now())
    return SessionView(session=token, seconds=int(SESSION.total_seconds()))


async def sign_out(node: Node, subject_id: str) -> None:
    """End every session that a person has."""
    async with node.database.write() as s:
        await entering.sign_out(s, subject_id=subject_id, now=node.clock.now())


async def give(node: Node, subject_id: str, form: GiveForm) -> GivenRow:
    """Consent to one thing. Raises what `consenting.give` raises."""
    wanted: Wanted = form.wanted()

    async def given(s: WriteSession, act: Act) -> GivenRow:
        return await consenting.give(
            s,
            act,
            desk=desk_of(node),
            subject_id=subject_id,
            tie_id=form.tie_id,
            wording_id=form.wording_id,
            wanted=wanted,
            signature=form.signature,
        )

    return await said(node, "SGC.GIVE", given)


async def withdraw(node: Node, subject_id: str, given_id: str, signature: str | None = None) -> GivenRow:
    """Take a consent back: what rests on it stops in the same transaction."""

    async def withdrawn(s: WriteSession, act: Act) -> GivenRow:
        desk = desk_of(node)
        return await withdraw_and_stop(
            s, act, desk=desk, subject_id=subject_id, given_id=given_id, signature=signature
        )

    return await said(node, "SGC.WITHDRAW", withdrawn)


async def show(node: Node, subject_id: str, given_id: str, form: PathForm) -> GivenRow:
    """Show where one stands in a record. Raises ProofWrong, SubjectRecordUnknown."""

    async def shown(s: WriteSession, act: Act) -> GivenRow:
        return await consenting.show(
            s,
            act,
            given_id=given_id,
            consent_id=form.consent_id,
            path=form.path(),
            subject_id=subject_id,
        )

    return await said(node, "SGC.SHOW", shown)


async def ask(node: Node, subject_id: str, form: RequestForm) -> AskedRow:
    """Ask a holder. Raises what `asking.submit` raises."""

    async def asked(s: WriteSession, act: Act) -> AskedRow:
        return await asking.submit(s, act, desk=desk_of(node), subject_id=subject_id, **dict(form))

    return await said(node, "SRQ.SUBMIT", asked)


async def finish(node: Node, subject_id: str, request_id: str, signature: str | None = None) -> AskedRow:
    """Say that a request is done."""

    async def finished(s: WriteSession, act: Act) -> AskedRow:
        desk = desk_of(node)
        return await asking.finish_as_person(
            s, act, desk=desk, subject_id=subject_id, request_id=request_id, signature=signature
        )

    return await said(node, "SRQ.FINISH", finished)


async def complain(
    node: Node, subject_id: str, request_id: str, text: str, signature: str | None = None
) -> ComplainedView:
    """Make a request a complaint to the authority (PIPL 65): a case, followed up under its own code.

    The case names the holder, and the person by nothing. Raises what `asking.may_complain` raises.
    """

    async def complained(s: WriteSession, act: Act) -> ComplainedView:
        desk = desk_of(node)
        row, spoken = await asking.may_complain(
            s, act, desk=desk, subject_id=subject_id, request_id=request_id, signature=signature
        )
        paper = Paper(complaint=text, about=(row.holder_id,), matter=Matter.PERSONAL_INFORMATION)
        filed = await receive_paper(s, act, paper=paper, master=node.safe.master)
        (case_id,) = filed.case_ids
        await asking.complain(s, act, row=row, spoken=spoken, case_id=case_id)
        return ComplainedView(request_id=request_id, case_id=case_id, code=filed.code)

    return await said(node, "SRQ.COMPLAIN", complained)
