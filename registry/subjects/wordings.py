"""What a holder asks of persons: one thing a wording, versioned, with all told that the law wants told."""

from typing import Any

from base.canonical import canonical, sha256_hex
from base.db import WriteSession
from identity.service import require_member
from ledger.recording import Act
from registry.doors import Said
from registry.grading.describing import subject_of
from registry.subjects import repository
from registry.subjects.errors import SubjectWrongRole
from registry.subjects.moving import begin, check_holder, step
from registry.subjects.rules import Asked, check_wording
from registry.subjects.states import WordingEvent, WordingState
from registry.subjects.tables import WordingRow


async def publish(s: WriteSession, act: Act, *, asked: Asked) -> WordingRow:
    """Publish a wording of one consent (SCW.PUBLISH), in place of the version before it (SCW.REPLACE).

    What was given under the older one stands as it was given. Raises SubjectMalformed, WordingBundled,
    SubjectWrongRole for data of another.
    """
    await require_member(s, org_id=act.actor.org_id)
    check_wording(asked)
    held = await subject_of(s, object_id=asked.object_id)
    if held.holder_id != act.actor.org_id:
        raise SubjectWrongRole("who handles the data asks for consent", object_id=asked.object_id)
    about: dict[str, Any] = {
        "holder_id": act.actor.org_id,
        "object_id": asked.object_id,
        "kind": asked.kind,
    }
    for org_id in asked.recipients:
        await require_member(s, org_id=org_id)
    before = await repository.newest_wording(s, **about)
    if before is not None and before.status is WordingState.IN_FORCE:
        await step(s, act.as_exchange(), before, WordingEvent.REPLACE)
    version = 1 if before is None else before.version + 1
    document = asked.document(holder_id=act.actor.org_id, version=version)
    row = WordingRow(
        wording_id=act.new_id("scw"),
        **about,
        version=version,
        status=WordingState.IN_FORCE,
        words=asked.text,
        told=document["told"],
        purposes=document["purposes"],
        recipients=document["recipients"],
        months=asked.months,
        sha256=sha256_hex(canonical(document)),
        published_at=act.occurred_at,
    )
    public = {"version": version, "purposes": row.purposes}
    said = Said(public=public, opening={"recipients": row.recipients}, subjects={"wording": row.sha256})
    await begin(s, act, row, WordingEvent.PUBLISH, said)
    return row


async def retire(s: WriteSession, act: Act, *, wording_id: str) -> WordingRow:
    """Ask this no more (SCW.RETIRE)."""
    row = await repository.claim_wording(s, wording_id=wording_id)
    check_holder(act, row)
    await step(s, act, row, WordingEvent.RETIRE)
    return row
