"""From the request to the last use, and every way in which a certificate is not made, shown or taken."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import orjson

from base.canonical import canonical, sha256_hex
from base.credential.multikey import did_key
from base.credential.proof import secure
from base.errors import Malformed
from base.signing import SigningKey
from registry.chiefs.errors import ChiefWanted
from registry.rules import Level
from registry.vouchers import approving, generating, holding, repository, requesting
from registry.vouchers.document import presentation, urn
from registry.vouchers.errors import (
    AuthorisationWithdrawn,
    VoucherBeyondType,
    VoucherExhausted,
    VoucherExpired,
    VoucherForged,
    VoucherIssuerWanted,
    VoucherLevelTooHigh,
    VoucherMalformed,
    VoucherOwnWord,
    VoucherPurposeMismatch,
    VoucherQualityTooLow,
    VoucherRevoked,
    VoucherSuperseded,
    VoucherTypeRevoked,
    VoucherTypeTaken,
    VoucherUserMismatch,
    VoucherWrongRole,
    VoucherWrongState,
)
from registry.vouchers.rules import Cause, Form, Mode, SubjectKind, TypeItem
from registry.vouchers.states import VoucherState
from registry.vouchers.verifying import Asked, ProviderPin, verify
from tests.identity.unmoved import statements
from tests.registry.vouchers.desk import GOODS, PURPOSE, REFERENCE, TERMS, TOLD, People, told
from tests.standstill import refused, untouched

S = VoucherState
WITHDRAWN = {"cause": Cause.WITHDRAWN, "reason": "贷款已结清"}
DAY = timedelta(days=1)


async def test_twenty_verifications_at_once_count_to_the_last_use_and_no_further(people: People):
    voucher_id, shown = await people.shown(max_uses=7)
    tried = await asyncio.gather(
        *(people.verify(voucher_id, shown) for _ in range(20)), return_exceptions=True
    )
    good = sorted(one.number for one in tried if not isinstance(one, BaseException))
    bad = [one for one in tried if isinstance(one, BaseException)]
    assert good == [1, 2, 3, 4, 5, 6, 7]
    assert {type(one) for one in bad} == {VoucherExhausted}
    assert len(bad) == 13
    row = await people.row(voucher_id)
    assert (row.used, row.status, row.sealed_holder) == (7, S.EXHAUSTED, None)
    said = [one["predicate"] for one in await statements(people.database)]
    assert [one["use"] for one in said if one["event"] == "CRT.VERIFY"] == good
    assert [one["event"] for one in said if one["object"] == voucher_id][-1] in {"CRT.EXHAUST", "REF.REFUSE"}


async def test_the_steps_are_on_the_ledger_with_digests_and_no_value(quick: People):
    voucher_id, shown = await quick.shown()
    await quick.verify(voucher_id, shown)
    said = [one for one in await statements(quick.database) if one["predicate"]["object"] == voucher_id]
    steps = [
        (one["predicate"]["event"], one["predicate"].get("from"), one["predicate"]["to"]) for one in said
    ]
    assert steps == [
        ("CRT.REQUEST", None, "REQUESTED"),
        ("CRT.AUTHORISE", "REQUESTED", "AUTHORISED"),
        ("CRT.GENERATE", "AUTHORISED", "GENERATED"),
        ("CRT.STORE", "GENERATED", "STORED"),
        ("CRT.PRESENT", "STORED", "PRESENTED"),
        ("CRT.VERIFY", "PRESENTED", "VERIFIED"),
    ]
    row = await quick.row(voucher_id)
    generated = {one["name"]: one["digest"]["sha256"] for one in said[2]["subject"][1:]}
    assert generated == {"credential": row.credential_sha256, "data": GOODS.data_sha256}
    assert said[1]["predicate"]["valid_until"] == "2027-02-14T15:59:59.999Z"  # ninety days, in Shanghai
    assert said[1]["predicate"]["actor"] == quick.factory.org_id
    for one in said:
        assert b"120000" not in canonical(one)
        assert REFERENCE.encode() not in canonical(one)
    assert b"120000" not in (row.sealed or b"")


async def test_what_is_wrong_with_a_request_is_refused_and_moves_nothing(quick: People):
    for error, changed in (
        (VoucherBeyondType, {"items": ("MONTHLY_USE", "METER_READINGS")}),
        (VoucherBeyondType, {"items": ("STABILITY", "STABILITY")}),
        (VoucherBeyondType, {"period_from": "2024-07"}),  # twenty-five months
        (VoucherBeyondType, {"valid_days": 91}),
        (VoucherBeyondType, {"max_uses": 26}),
        (VoucherBeyondType, {"purpose": "MARKETING"}),
        (VoucherBeyondType, {"provider_id": quick.agency.org_id}),
        (VoucherOwnWord, {"subject_id": quick.bank.org_id}),
        (VoucherOwnWord, {"subject_id": quick.grid.org_id}),
        (VoucherWrongRole, {"user_id": quick.other.org_id}),
    ):
        async with refused(quick.database, error):
            await quick.request(**changed)
    for changed in ({"period_to": "2024-07"}, {"period_to": "2026-12"}, {"reference": " "}):
        async with untouched(quick.database, VoucherMalformed):
            await quick.request(**changed)


async def test_the_subject_gives_what_was_asked_or_less_and_nobody_gives_it_in_its_place(quick: People):
    voucher_id = (await quick.request()).voucher_id
    yes = requesting.authorise
    for who in (quick.bank, quick.grid, quick.other):
        async with refused(quick.database, VoucherWrongRole):
            await quick.say(who, yes, voucher_id)
    for more in (
        {"max_uses": 4},
        {"period_from": "2024-07", "period_to": "2026-06"},
        {"valid_days": 91},
        {"items": ()},
    ):
        async with refused(quick.database, VoucherBeyondType):
            await quick.say(quick.factory, yes, voucher_id, **more)
    async with untouched(quick.database, Malformed):
        await quick.say(quick.factory, yes, voucher_id, holder_did="did:key:z6Mk")
    less = {"items": ("STABILITY",), "max_uses": 1, "valid_days": 5, "period_from": "2025-08"}
    row = await quick.say(quick.factory, yes, voucher_id, **less)
    assert (row.items, row.max_uses, row.period_from) == (["STABILITY"], 1, "2025-08")
    async with refused(quick.database, VoucherBeyondType):  # more than was authorised
        await quick.say(quick.grid, generating.generate, voucher_id, goods=GOODS)
    await quick.say(quick.grid, generating.generate, voucher_id, goods=replace(GOODS, told=TOLD[1:]))


async def test_a_provider_makes_what_level_quality_and_form_allow_and_with_a_key(quick: People):
    voucher_id = (await quick.request()).voucher_id
    make = generating.generate
    async with refused(quick.database, VoucherWrongState):  # not authorised yet
        await quick.say(quick.grid, make, voucher_id, goods=GOODS)
    await quick.say(quick.factory, requesting.authorise, voucher_id)
    high = (TOLD[0], told("STABILITY", level=Level.GENERAL_4, index=981))
    for error, goods in (
        (VoucherLevelTooHigh, replace(GOODS, told=high)),
        (VoucherQualityTooLow, replace(GOODS, quality_tenths=899)),
        (VoucherBeyondType, replace(GOODS, told=(*TOLD, TOLD[0]))),
    ):
        async with refused(quick.database, error):
            await quick.say(quick.grid, make, voucher_id, goods=goods)
    for wrong in (told("MONTHLY_USE", low="140000", high="120000"), told("MONTHLY_USE", value="131072")):
        async with untouched(quick.database, VoucherMalformed):
            await quick.say(quick.grid, make, voucher_id, goods=replace(GOODS, told=(wrong, TOLD[1])))
    async with refused(quick.database, VoucherWrongRole):
        await quick.say(quick.agency, make, voucher_id, goods=GOODS)
    made = await quick.propose(replace(TERMS, code="TAX-CREDIT"), who=quick.agency, user=quick.chief)
    decided = {"type_id": made.type_id, "approve": True, "reason": ""}
    await quick.authority.do(approving.decide, attempted="CTY.APPROVE", **decided)
    keyless = (await quick.request(type_id=made.type_id, provider_id=quick.agency.org_id)).voucher_id
    await quick.say(quick.factory, requesting.authorise, keyless)
    async with refused(quick.database, VoucherIssuerWanted):
        await quick.say(quick.agency, make, keyless, goods=GOODS)


async def test_another_user_another_purpose_and_a_changed_byte_use_nothing(quick: People):
    voucher_id, shown = await quick.shown()
    second, shown_second = await quick.shown(reference="信贷审批 2026-LN-0816")
    for error, changed in (
        (VoucherUserMismatch, {"who": quick.other}),
        (VoucherPurposeMismatch, {"purpose": "MARKETING"}),
        (VoucherPurposeMismatch, {"reference": "信贷审批 2026-LN-0816"}),
        (VoucherForged, {"presentation": shown.replace("140000", "990000")}),
        (VoucherForged, {"presentation": "{}"}),
        (VoucherForged, {"presentation": by_thief(quick, shown)}),
    ):
        async with refused(quick.database, error):
            await quick.verify(voucher_id, changed.pop("presentation", shown), **changed)
    async with refused(quick.database, VoucherForged) as caught:
        await quick.verify(voucher_id, shown_second)
    assert caught.value.facts["verdict"] == "another"
    assert (await quick.row(voucher_id)).used == (await quick.row(second)).used == 0


def by_thief(people: People, shown: str) -> str:
    """The same certificate, presented with a key that the thief made."""
    key, document = SigningKey.generate(), orjson.loads(shown)
    unsecured = presentation(
        document["verifiableCredential"][0], document["disclosures"], holder_did=did_key(key.public)
    )
    answers = {"challenge": document["proof"]["challenge"], "domain": urn(people.bank.org_id)}
    return canonical(secure(unsecured, key, created=people.clock.now(), **answers)).decode()


async def test_each_end_has_its_own_refusal_and_the_list_says_it_at_once(quick: People):
    at = quick.clock.now()

    async def listed(voucher_id: str, shown: str) -> str:
        async with quick.database.read() as s:
            (key,) = await repository.issuers(s, org_id=quick.grid.org_id)
            signed = await generating.signed_list(s, quick.desk, number=key.number, now=at)
        pins = [ProviderPin(key.did, key.org_id, key.since)]
        asked = Asked(quick.bank.org_id, PURPOSE, REFERENCE)
        return verify(shown.encode(), [canonical(signed)], pins, asked, at=at).verdict.value

    withdrawn, error, court, corrected, alive = [await quick.shown() for _ in range(5)]
    await quick.say(quick.factory, holding.revoke, withdrawn[0], **WITHDRAWN)
    found = {"cause": Cause.ERROR, "reason": "抄表有误"}
    for who, said in (
        (quick.bank, found),
        (quick.factory, found),
        (quick.court, found),
        (quick.grid, WITHDRAWN),
    ):
        async with refused(quick.database, VoucherWrongRole):
            await quick.say(who, holding.revoke, error[0], **said)
    await quick.say(quick.grid, holding.revoke, error[0], **found)
    order = {"cause": Cause.COURT, "reason": "裁定"}
    async with refused(quick.database, VoucherWrongRole):  # without its order
        await quick.say(quick.court, holding.revoke, court[0], **order)
    await quick.say(quick.court, holding.revoke, court[0], **order, document_sha256="0" * 64)
    await quick.verify(*corrected)
    new = await quick.say(quick.grid, generating.correct, corrected[0], reason="更正", goods=GOODS)
    assert (new.status, new.max_uses, new.replaces) == (S.GENERATED, 2, corrected[0])
    assert new.due_at == (await quick.row(corrected[0])).due_at
    for end, one in (
        (AuthorisationWithdrawn, withdrawn),
        (VoucherRevoked, error),
        (VoucherRevoked, court),
        (VoucherSuperseded, corrected),
    ):
        async with refused(quick.database, end):
            await quick.verify(*one)
        assert await listed(*one) == "revoked"
    assert await listed(*alive) == "valid"
    ended = {"type_id": quick.type_id, "reason": "试点结束"}
    await quick.authority.do(approving.revoke_type, attempted="CTY.REVOKE", **ended)
    async with refused(quick.database, VoucherTypeRevoked):
        await quick.verify(*alive)
    assert await listed(*alive) == "revoked"
    async with refused(quick.database, VoucherTypeRevoked):
        await quick.request()


async def test_what_was_shown_last_is_verified_and_what_was_shown_before_is_not(quick: People):
    voucher_id, full = await quick.shown()
    before = (await quick.row(voucher_id)).challenge
    partly = await quick.present(voucher_id, items=["STABILITY"])
    row = await quick.row(voucher_id)
    assert row.challenge not in {before, orjson.loads(partly)["proof"]["challenge"]}
    assert orjson.loads(partly)["proof"]["challenge"] == before
    async with refused(quick.database, VoucherForged):
        await quick.verify(voucher_id, full)
    assert (await quick.verify(voucher_id, partly)).number == 1
    (said,) = [one for one in await statements(quick.database) if one["predicate"]["event"] == "CRT.VERIFY"]
    named = {one["name"]: one["digest"]["sha256"] for one in said["subject"][1:]}
    assert named["presentation"] == sha256_hex(partly.encode())


async def test_what_is_used_up_is_forgotten_in_its_time_or_when_it_is_withdrawn(quick: People):
    kept, withdrawn = [await quick.shown(max_uses=1) for _ in range(2)]
    for voucher_id, shown in (kept, withdrawn):
        await quick.verify(voucher_id, shown)
        assert (await quick.row(voucher_id)).sealed_presentation is not None  # its user read it rightly
    found = {"cause": Cause.ERROR, "reason": "抄表有误"}
    for who, said, error in (
        (quick.grid, found, VoucherWrongState),
        (quick.bank, WITHDRAWN, VoucherWrongRole),
        (
            quick.court,
            {"cause": Cause.COURT, "reason": "裁定", "document_sha256": "0" * 64},
            VoucherWrongRole,
        ),
    ):
        async with refused(quick.database, error):
            await quick.say(who, holding.revoke, withdrawn[0], **said)
    await quick.say(quick.factory, holding.revoke, withdrawn[0], **WITHDRAWN)
    row = await quick.row(withdrawn[0])
    assert (row.status, row.cause, row.sealed_presentation) == (S.REVOKED, Cause.WITHDRAWN, None)
    async with refused(quick.database, AuthorisationWithdrawn):
        await quick.verify(*withdrawn)
    quick.clock.advance(91 * DAY)
    await quick.work()
    row = await quick.row(kept[0])
    assert (row.status, row.sealed_presentation) == (S.EXHAUSTED, None)


async def test_the_clock_ends_what_nobody_answered_and_what_is_over(quick: People):
    waits = (await quick.request()).voucher_id
    voucher_id, shown = await quick.shown()
    quick.clock.advance(31 * DAY)
    async with refused(quick.database, VoucherExpired):  # before any clock has looked
        await quick.say(quick.factory, requesting.authorise, waits)
    await quick.work()
    assert (await quick.row(waits)).status is S.EXPIRED
    await quick.verify(voucher_id, shown)
    quick.clock.advance(60 * DAY)
    async with refused(quick.database, VoucherExpired):
        await quick.verify(voucher_id, shown)
    await quick.work()
    row = await quick.row(voucher_id)
    assert (row.status, row.sealed_presentation, row.sealed_holder) == (S.EXPIRED, None, None)
    async with refused(quick.database, VoucherExpired):
        await quick.verify(voucher_id, shown)


async def test_a_subject_with_a_key_of_its_own_shows_with_it_and_nothing_else_will_do(quick: People):
    key = SigningKey.generate()
    voucher_id = (await quick.request()).voucher_id
    own = {"holder_did": did_key(key.public)}
    row = await quick.say(quick.factory, requesting.authorise, voucher_id, **own)
    assert row.sealed_holder is None
    await quick.say(quick.grid, generating.generate, voucher_id, goods=GOODS)
    await quick.say(quick.factory, holding.store, voucher_id)
    whole = quick.desk.open(await quick.row(voucher_id))
    unsecured = presentation(whole["credential"], whole["disclosures"][:1], **own)

    def signed(by: SigningKey, challenge: str, user: str) -> str:
        answers = {"challenge": challenge, "domain": urn(user)}
        return canonical(secure(unsecured, by, created=quick.clock.now(), **answers)).decode()

    async with untouched(quick.database, VoucherMalformed):
        await quick.say(quick.factory, holding.present, voucher_id)
    bank = quick.bank.org_id
    for wrong in (
        signed(SigningKey.generate(), row.challenge, bank),
        signed(key, "00" * 32, bank),
        signed(key, row.challenge, quick.other.org_id),
    ):
        async with refused(quick.database, VoucherForged):
            await quick.say(quick.factory, holding.present, voucher_id, signed=wrong)
    shown = await quick.present(voucher_id, signed=signed(key, row.challenge, bank))
    assert (await quick.verify(voucher_id, shown)).number == 1


async def test_a_person_s_word_is_brought_by_the_provider_with_the_digest_of_its_paper(quick: People):
    person = {"subject_kind": SubjectKind.PERSON, "subject_id": "9f" * 32}
    voucher_id = (await quick.request(**person)).voucher_id
    async with refused(quick.database, VoucherWrongRole):
        await quick.say(quick.grid, requesting.authorise, voucher_id)
    paper = {"document_sha256": "b" * 64}
    await quick.say(quick.grid, requesting.authorise, voucher_id, **paper)
    await quick.say(quick.grid, generating.generate, voucher_id, goods=GOODS)
    for verb in (holding.store, holding.present):
        await quick.say(quick.grid, verb, voucher_id, **paper)
    row = await quick.row(voucher_id)
    said = orjson.loads(quick.desk.open_presentation(row))["verifiableCredential"][0]["credentialSubject"]
    assert said["of"] == {"type": "Person", "pseudonym": "9f" * 32}
    assert (await quick.verify(voucher_id, quick.desk.open_presentation(row).decode())).number == 1
    papers = [
        [one["name"] for one in payload["subject"][1:]]
        for payload in await statements(quick.database)
        if payload["predicate"]["event"] in {"CRT.AUTHORISE", "CRT.STORE", "CRT.PRESENT"}
    ]
    assert all("document" in names for names in papers)


async def test_a_new_key_signs_from_now_on_and_the_former_list_goes_on(quick: People):
    voucher_id, shown = await quick.shown()
    quick.clock.advance(DAY)
    await quick.grid.do(generating.appoint_key, attempted="CRT.APPOINT", desk=quick.desk)
    newer, _ = await quick.shown()
    async with quick.database.read() as s:
        keys = await repository.issuers(s, org_id=quick.grid.org_id)
        now = quick.clock.now()
        lists = [
            canonical(await generating.signed_list(s, quick.desk, number=key.number, now=now)) for key in keys
        ]
    pins = [ProviderPin(key.did, key.org_id, key.since, key.retired_at) for key in keys]
    asked = Asked(quick.bank.org_id, PURPOSE, REFERENCE)
    assert verify(shown.encode(), lists[1:], pins, asked, at=now).verdict.value == "valid"
    assert verify(shown.encode(), lists[:1], pins, asked, at=now).verdict.value == "list-issuer-foreign"
    rows = [(await quick.row(one)).issuer_number for one in (voucher_id, newer)]
    assert rows == [1, 2]


async def test_a_type_is_signed_by_a_chief_and_approved_by_the_authority_alone(quick: People):
    terms = replace(TERMS, code="TAX-CREDIT")
    async with refused(quick.database, ChiefWanted):
        await quick.propose(terms, who=quick.agency, user="usr_nobody")
    row = await quick.propose(terms, who=quick.agency, user=quick.chief)
    assert row.chief_id is not None
    assert row.valid_days == 90
    async with refused(quick.database, VoucherTypeTaken):
        await quick.propose(terms)
    about = {"type_id": row.type_id, "reason": "与另一类型重复"}
    async with refused(quick.database, VoucherWrongRole):
        await quick.agency.do(approving.decide, attempted="CTY.APPROVE", approve=True, **about)
    async with refused(quick.database, VoucherTypeRevoked):  # not approved yet
        await quick.request(type_id=row.type_id, provider_id=quick.agency.org_id)
    await quick.authority.do(approving.decide, attempted="CTY.REFUSE", approve=False, **about)
    async with refused(quick.database, VoucherWrongState):
        await quick.authority.do(approving.decide, attempted="CTY.APPROVE", approve=True, **about)
    raw = (TypeItem("READINGS", "抄表读数", Form.VALUE, "kWh"),)
    for wrong in ({"items": raw}, {"purposes": ()}, {"mode": Mode.VERIFY_ONLY}, {"max_uses": 101}):
        async with untouched(quick.database, VoucherMalformed):
            await quick.propose(replace(terms, code="X", **wrong))
    async with refused(quick.database, VoucherLevelTooHigh):
        await quick.propose(replace(terms, code="X", max_level=Level.IMPORTANT))
