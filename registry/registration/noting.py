"""What is noted on a registration (备注): terms, orders, the law, pledges; and how a note comes off."""

from base.calendar import shanghai_day
from base.db import WriteSession
from identity.service import require_member
from ledger.recording import Act
from registry.doors import Said
from registry.registration import repository
from registry.registration.applying import check_text
from registry.registration.errors import RegistrationMalformed
from registry.registration.moving import claim_of_registrar, step
from registry.registration.rules import NoteKind
from registry.registration.states import RegistrationEvent
from registry.registration.tables import NoteRow
from registry.rules import Right

_E = RegistrationEvent


async def note(
    s: WriteSession,
    act: Act,
    *,
    registration_id: str,
    kind: NoteKind,
    text: str,
    document_sha256: str,
    holder_id: str | None = None,
    right: Right | None = None,
    creditor_id: str | None = None,
) -> NoteRow:
    """Note a term, an order, the law, or a pledge on a registration (REG.ANNOTATE, REG.PLEDGE).

    A pledge names the right, its holder and the creditor. Raises RegistrationMalformed.
    """
    pledged = kind is NoteKind.PLEDGE
    row = await claim_of_registrar(s, act, registration_id, _E.PLEDGE if pledged else _E.ANNOTATE)
    if pledged != all([holder_id, right, creditor_id]):
        raise RegistrationMalformed(
            "a pledge, and nothing else, names a right, its holder and the creditor", fields=["creditor_id"]
        )
    if holder_id is not None and right is not None:
        held = await repository.claim_held(
            s,
            registration_id=registration_id,
            holder_id=holder_id,
            right=right,
            on=shanghai_day(act.now),
        )
        if not held:
            raise RegistrationMalformed("this right is not held here", fields=["holder_id", "right"])
    if creditor_id is not None:
        await require_member(s, org_id=creditor_id)
    noted = NoteRow(
        note_id=act.new_id("nte"),
        registration_id=registration_id,
        kind=kind,
        holder_id=holder_id,
        right=right.value if right else None,
        creditor_id=creditor_id,
        text=check_text(text),
        document_sha256=document_sha256,
        noted_at=act.occurred_at,
    )
    said = Said(
        public={"note_id": noted.note_id, "note": kind.value},
        opening={
            "text": noted.text,
            "holder_id": holder_id,
            "right": noted.right,
            "creditor_id": creditor_id,
        },
        subjects={"document": document_sha256},
    )
    await step(s, act, _E.PLEDGE if pledged else _E.ANNOTATE, row, said)
    s.add(noted)
    await s.flush()
    return noted


async def release(
    s: WriteSession, act: Act, *, registration_id: str, note_id: str, document_sha256: str
) -> NoteRow:
    """Take a note off (REG.RELEASE): the pledge is paid, the order is lifted."""
    row = await claim_of_registrar(s, act, registration_id, _E.RELEASE)
    noted = await repository.standing_note(s, registration_id=registration_id, note_id=note_id)
    said = Said(public={"note_id": note_id}, subjects={"document": document_sha256})
    await step(s, act, _E.RELEASE, row, said)
    noted.released_at = act.occurred_at
    s.add(noted)
    await s.flush()
    return noted
