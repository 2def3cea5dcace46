"""A provider appoints its issuing key, and makes certificates under it. What they say rests sealed.

To the ledger goes the digest of the credential and that of the data it was made from, never a value: the data
itself does not even come here. Where the data is listed or traded here, its level is looked up too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import col, update

from base.canonical import canonical, sha256_hex
from base.clock import parse_rfc3339, rfc3339
from base.credential.multikey import did_key
from base.credential.proof import secure
from base.credential.status import Purpose as ListPurpose
from base.credential.status import begun, status_list
from base.db import ReadSession, WriteSession
from base.signing import SigningKey
from identity.repository import get_founded
from identity.service import insert, require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.doors import Said
from registry.grading.depending import level_of
from registry.rules import Level
from registry.vouchers import repository
from registry.vouchers.desk import VoucherDesk, draw_place
from registry.vouchers.document import (
    Disclosure,
    ItemFacts,
    Party,
    VoucherFacts,
    asset_certificate,
)
from registry.vouchers.errors import (
    StatusListUnknown,
    VoucherExpired,
    VoucherIssuerTaken,
    VoucherIssuerWanted,
    VoucherWrongRole,
)
from registry.vouchers.moving import begin, check_in_force, check_provider, end, step
from registry.vouchers.rules import Form, SubjectKind, Told, TypeItem, check_goods, check_told
from registry.vouchers.states import PROVIDERS, VoucherEvent, VoucherState, may_move
from registry.vouchers.tables import VoucherIssuerRow, VoucherRow, VoucherTypeRow

APPOINT_EVENT: Final = "CRT.APPOINT"
_E = VoucherEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What a provider brings for one certificate: the items told, the data's digest and its quality."""

    told: Sequence[Told]
    data_sha256: str
    quality_tenths: int
    data_id: str | None = None


async def appoint_key(s: WriteSession, act: Act, *, desk: VoucherDesk) -> VoucherIssuerRow:
    """Make the key that signs a provider's certificates from now on, in place of its last (CRT.APPOINT).

    The former one signs its status list alone, so that its certificates can be checked until they end.
    Raises VoucherWrongRole, VoucherIssuerTaken.
    """
    if act.role not in PROVIDERS:
        raise VoucherWrongRole("a provider appoints its issuing key", role=act.role, roles=sorted(PROVIDERS))
    await require_member(s, org_id=act.actor.org_id)
    key = SigningKey.from_bytes(bytes.fromhex(act.nonce()))
    former = await repository.issuer_in_office(s, org_id=act.actor.org_id)
    number = await repository.newest_issuer_number(s) + 1
    public = {
        "org_id": act.actor.org_id,
        "did": did_key(key.public),
        "status_list": number,
        "replaces": None if former is None else former.did,
    }
    recorded = await record(s, act, Draft(APPOINT_EVENT, act.new_id("vsk"), public=public))
    taken = VoucherIssuerTaken("another issuing key was appointed a moment ago")
    since = parse_rfc3339(rfc3339(act.now))  # what is signed at this moment is written in milliseconds
    if former is not None:
        in_office = (
            col(VoucherIssuerRow.number) == former.number,
            col(VoucherIssuerRow.retired_at).is_(None),
        )
        changed = await s.exec(update(VoucherIssuerRow).where(*in_office).values(retired_at=since))
        if changed.rowcount != 1:
            raise taken
    row = VoucherIssuerRow(
        number=number,
        org_id=act.actor.org_id,
        did=did_key(key.public),
        keyid=key.keyid,
        sealed_private=desk.safe.seal_key(key),
        statement_id=recorded.statement_id,
        since=since,
    )
    await insert(s, row, taken)
    return row


async def generate(
    s: WriteSession, act: Act, *, voucher_id: str, goods: Goods, desk: VoucherDesk
) -> VoucherRow:
    """Make the certificate that a subject has authorised, as its provider (CRT.GENERATE).

    Raises VoucherIssuerWanted, VoucherTypeRevoked, VoucherExpired, VoucherBeyondType, VoucherMalformed,
    VoucherLevelTooHigh, VoucherQualityTooLow, `unclassified-product`.
    """
    row = await repository.claim_voucher(s, voucher_id=voucher_id)
    may_move(row.status, _E.GENERATE, act.role)
    check_provider(act, row)
    values, said = await _made(s, act, row, goods, desk, max_uses=row.max_uses)
    await step(s, act, _E.GENERATE, row, said, values=values)
    return row


async def correct(
    s: WriteSession, act: Act, *, voucher_id: str, reason: str, goods: Goods, desk: VoucherDesk
) -> VoucherRow:
    """Put a corrected certificate in the place of one whose data was wrong (CRT.SUPERSEDE, CRT.CORRECT).

    It is made under the same authorisation: the same user, purpose, items, end, and the uses left.
    Raises as `generate`; returns the new one.
    """
    row = await repository.claim_voucher(s, voucher_id=voucher_id)
    may_move(row.status, _E.SUPERSEDE, act.role)
    check_provider(act, row)
    new = VoucherRow(
        **row.model_dump(
            include={
                "type_id",
                "subject_kind",
                "subject_id",
                "user_id",
                "provider_id",
                "requested_by",
                "purpose",
                "reference",
                "items",
                "period_from",
                "period_to",
                "valid_days",
                "requested_at",
                "due_at",
                "authorised_at",
                "authorisation_sha256",
                "holder_did",
                "holder_keyid",
                "sealed_holder",
            }
        ),
        voucher_id=act.new_id("vch"),
        max_uses=row.max_uses - row.used,
        challenge=act.nonce(),
        status=VoucherState.GENERATED,
        replaces=voucher_id,
    )
    values, said = await _made(s, act, new, goods, desk, max_uses=new.max_uses)
    for name, value in values.items():
        setattr(new, name, value)
    s.add(new)
    await s.flush()
    ended = Said(public={"replaced_by": new.voucher_id}, opening={"reason": reason})
    await end(s, act, _E.SUPERSEDE, row, ended, values={"replaced_by": new.voucher_id, "reason": reason})
    await begin(
        s, act, _E.CORRECT, new, Said(public={**said.public, "replaces": voucher_id}, subjects=said.subjects)
    )
    return new


async def _made(
    s: WriteSession, act: Act, row: VoucherRow, goods: Goods, desk: VoucherDesk, *, max_uses: int
) -> tuple[dict[str, Any], Said]:
    """What a certificate keeps of its document, and what is stated of it."""
    if act.now > row.due_at:
        raise VoucherExpired("the authorisation has lapsed", until=rfc3339(row.due_at))
    kind = await repository.resting_on_type(s, type_id=row.type_id)
    check_in_force(kind)
    items = [TypeItem(one["code"], one["name"], Form(one["form"]), one["unit"]) for one in kind.items]
    check_told(goods.told, items, row.items)
    level = await _level(s, kind, goods)
    issuer = await repository.issuer_in_office(s, org_id=row.provider_id)
    if issuer is None:
        raise VoucherIssuerWanted("appoint an issuing key first", org_id=row.provider_id)
    facts = await _facts(s, act, row, kind, goods, max_uses=max_uses)
    place = draw_place(act.seed, set(await repository.places_taken(s, number=issuer.number)))
    unsecured = asset_certificate(
        facts,
        url=desk.url(row.voucher_id),
        issuer=issuer.did,
        list_url=desk.list_url(issuer.number),
        place=place,
    )
    credential = secure(unsecured, desk.key_of(issuer), created=act.occurred_at)
    digest = sha256_hex(canonical(credential))
    disclosures = [one.disclosure.document() for one in facts.items]
    values = {
        "data_id": goods.data_id,
        "data_sha256": goods.data_sha256,
        "level": level,
        "quality_tenths": goods.quality_tenths,
        "generated_at": act.occurred_at,
        "issuer_number": issuer.number,
        "place": place,
        "credential_sha256": digest,
        "sealed": desk.seal(row.voucher_id, credential, disclosures),
    }
    public = {
        "issuer": issuer.did,
        "purpose": row.purpose,
        "mode": kind.mode.value,
        "level": level.value,
        "quality_tenths": goods.quality_tenths,
        "valid_until": rfc3339(row.due_at),
        "max_uses": max_uses,
    }
    return values, Said(public=public, subjects={"credential": digest, "data": goods.data_sha256})


async def _level(s: ReadSession, kind: VoucherTypeRow, goods: Goods) -> Level:
    levels = [one.level for one in goods.told]
    if goods.data_id is not None:
        levels.append(await level_of(s, object_id=goods.data_id))
    return check_goods(
        levels,
        goods.quality_tenths,
        max_level=kind.max_level,
        min_quality_tenths=kind.min_quality_tenths,
    )


async def _facts(
    s: WriteSession, act: Act, row: VoucherRow, kind: VoucherTypeRow, goods: Goods, *, max_uses: int
) -> VoucherFacts:
    founded = await get_founded(s)
    assert founded is not None, "an exchange that acts was founded"
    assert row.holder_did is not None, "it was authorised"
    assert row.authorisation_sha256 is not None, "it was authorised"
    of_member = row.subject_kind is SubjectKind.MEMBER
    return VoucherFacts(
        voucher_id=row.voucher_id,
        type_code=kind.code,
        scenario=kind.scenario.value,
        mode=kind.mode.value,
        subject_kind=row.subject_kind,
        subject=await _party(s, row.subject_id) if of_member else row.subject_id,
        provider=await _party(s, row.provider_id),
        user=await _party(s, row.user_id),
        purpose=row.purpose,
        reference=row.reference,
        holder_did=row.holder_did,
        origin=founded.origin,
        authorisation_sha256=row.authorisation_sha256,
        data_sha256=goods.data_sha256,
        quality_tenths=goods.quality_tenths,
        max_uses=max_uses,
        valid_from=act.occurred_at,
        valid_to=row.due_at,
        items=[
            ItemFacts(
                Disclosure(one.item, row.period_from, row.period_to, act.nonce(), one.value),
                one.source_department,
                one.level.value,
            )
            for one in sorted(goods.told, key=lambda one: one.item)
        ],
    )


async def _party(s: WriteSession, org_id: str) -> Party:
    organisation = await require_member(s, org_id=org_id)
    return Party(org_id, organisation.name, organisation.uscc)


async def signed_list(s: ReadSession, desk: VoucherDesk, *, number: int, now: datetime) -> dict[str, Any]:
    """The status list of an issuing key as it is at this moment, signed. Raises StatusListUnknown."""
    issuer = await repository.get_issuer(s, number=number)
    if issuer is None:
        raise StatusListUnknown("no such status list", number=number)
    found = await repository.marked(s, number=number)
    as_of = min(max(begun(now), issuer.since, *([found.changed_at] if found.changed_at else [])), now)
    unsecured = status_list(
        found.places,
        url=desk.list_url(number),
        issuer=issuer.did,
        as_of=as_of,
        purposes=(ListPurpose.REVOCATION,),
    )
    return secure(unsecured, desk.key_of(issuer), created=as_of)
