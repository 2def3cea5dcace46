"""The offline verifier of asset certificates: every verdict by the evidence that calls for it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from base.canonical import canonical
from base.clock import rfc3339
from base.credential.multikey import did_key
from base.credential.proof import secure
from base.credential.verdicts import EXIT_CODES, Verdict
from base.errors import Malformed
from cli.main import app
from registry.vouchers.document import asset_certificate, data_digest, digest_of, presentation, urn
from registry.vouchers.verifying import ProviderPin, pins_of
from tests.registry.vouchers.samples import (
    ASKED,
    BANK,
    CHALLENGE,
    DID,
    FACTS,
    GRID,
    GRID_KEY,
    HOLDER,
    LIST_URL,
    NOW,
    OTHER_BANK,
    PIN,
    PLACE,
    THIEF,
    credential,
    disclosed,
    found,
    listed,
    opened,
    shown,
)

_V = Verdict
GOOD = shown()


def test_a_good_presentation_is_valid_and_tells_what_was_shown():
    said = found(GOOD)
    assert (said.verdict, said.detail) == (_V.VALID, "shown to this user for this purpose, not revoked")
    assert said.subject["of"]["name"] == "佛山禾禧金属制品厂"
    assert said.valid_until == rfc3339(FACTS.valid_to)
    assert said.notes == (
        "MONTHLY_USE, 2024-08 to 2026-07: high 140000, low 120000",
        "STABILITY, 2024-08 to 2026-07: index 981",
    )


def test_what_the_holder_does_not_show_is_in_no_byte_of_it():
    partly = shown(items=(FACTS.items[1],))
    assert found(partly).notes == ("STABILITY, 2024-08 to 2026-07: index 981",)
    assert b"140000" not in partly
    assert b"120000" not in partly
    assert b"981" not in canonical(credential())


OTHERS = replace(ASKED, user_id=OTHER_BANK)
TO_OTHERS = replace(FACTS.user, org_id=OTHER_BANK)


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [
        (b"{", _V.MALFORMED),
        (canonical(credential()), _V.MALFORMED),
        (shown(type=["VerifiablePresentation"]), _V.MALFORMED),
        (shown(verifiableCredential=[]), _V.MALFORMED),
        (shown(verifiableCredential=[credential(), credential()]), _V.MALFORMED),
        (shown(verifiableCredential=["x"]), _V.MALFORMED),
        (shown(disclosures=[{"item": "MONTHLY_USE"}]), _V.MALFORMED),
        (shown(**{"@context": ["x"]}), _V.CONTEXT_CHANGED),
        (GOOD.replace(b"140000", b"190000"), _V.FORGED),
        (GOOD.replace(CHALLENGE.encode(), b"d" * 64), _V.FORGED),
        (shown(key=THIEF), _V.HOLDER_FOREIGN),
        (shown(credential(holder_did=did_key(THIEF.public))), _V.HOLDER_FOREIGN),
        (shown(items=(disclosed("MONTHLY_USE", low="120000", high="990000"),)), _V.DISCLOSURE_FALSE),
        (shown(items=(FACTS.items[0], FACTS.items[0])), _V.DISCLOSURE_FALSE),
        (shown(items=(disclosed("IN_ARREARS", holds=False),)), _V.DISCLOSURE_FALSE),
        (shown(credential(THIEF)), _V.ISSUER_FOREIGN),
        (shown(credential(provider=replace(GRID, org_id=OTHER_BANK))), _V.ISSUER_FOREIGN),
        (shown(user=OTHER_BANK), _V.MALFORMED),
        (shown(credential(user=TO_OTHERS), user=OTHER_BANK), _V.USER_OTHER),
        (shown(purpose="MARKETING"), _V.PURPOSE_OTHER),
        (shown(credential(purpose="MARKETING")), _V.PURPOSE_OTHER),
        (shown(reference="信贷审批 2026-LN-0816"), _V.PURPOSE_OTHER),
        (shown(challenge="d4" * 32), _V.CHALLENGE_OTHER),
    ],
)
def test_what_is_wrong_with_a_presentation_is_its_verdict(raw, verdict):
    said = found(raw)
    assert said.verdict is verdict, said.detail
    assert said.exit_code == EXIT_CODES[verdict]


def test_a_copy_that_leaked_is_good_paper_and_of_no_use_to_another():
    assert found(GOOD, asked=OTHERS).verdict is _V.USER_OTHER
    for_another = replace(ASKED, purpose="MARKETING")
    assert found(GOOD, asked=for_another).verdict is _V.PURPOSE_OTHER
    assert found(GOOD, asked=replace(ASKED, challenge=None, reference=None)).verdict is _V.VALID


def test_time_and_office_are_asked():
    assert found(GOOD, at=NOW - timedelta(hours=2)).verdict is _V.NOT_YET_VALID
    late = FACTS.valid_to
    assert found(GOOD, listed(as_of=late), at=late).verdict is _V.EXPIRED
    assert found(GOOD, pins=(replace(PIN, since=NOW),)).verdict is _V.ISSUER_FOREIGN
    assert found(GOOD, pins=(replace(PIN, until=NOW - timedelta(hours=1)),)).verdict is _V.ISSUER_RETIRED
    assert found(GOOD, pins=(replace(PIN, until=NOW),)).verdict is _V.VALID  # retired since: it stands
    assert found(GOOD, pins=None).verdict is _V.INCOMPLETE
    assert found(GOOD, pins=(ProviderPin(DID),)).verdict is _V.VALID


def test_the_status_list_is_the_one_that_is_named():
    assert found(GOOD, listed(PLACE)).verdict is _V.REVOKED
    assert found(GOOD, listed(PLACE + 1)).verdict is _V.VALID
    assert found(GOOD, listed(url=LIST_URL[:-1] + "2")).verdict is _V.LIST_OTHER
    assert found(GOOD, listed(key=THIEF)).verdict is _V.LIST_ISSUER_FOREIGN
    assert found(GOOD, listed(as_of=NOW - timedelta(days=2))).verdict is _V.LIST_STALE
    assert found(GOOD, b"{}").verdict is _V.LIST_MALFORMED


@given(place=st.integers(0, len(GOOD) - 1), change=st.integers(1, 255))
def test_one_changed_byte_is_never_taken(place, change):
    spoilt = bytearray(GOOD)
    spoilt[place] ^= change
    assert found(bytes(spoilt)).verdict not in {_V.VALID, _V.INCOMPLETE}


WITHOUT_A_DIGEST = ({"digest": {}}, {"digest": []}, {"digest": None}, {})


@pytest.mark.parametrize("item", WITHOUT_A_DIGEST)
def test_an_item_without_a_digest_is_malformed(item):
    assert found(of_two_keys(["credentialSubject", "items"], [item])).verdict is _V.MALFORMED


STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=3,
)


def of_two_keys(path: list[str | int], value: object, *, of: str = "credential") -> bytes:
    """A presentation of which one place was changed before both keys signed it."""
    certificate = opened(canonical(credential()))
    del certificate["proof"]
    told = [one.disclosure.document() for one in FACTS.items]
    document = {"credential": certificate, "disclosures": told}
    at = document[of]
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    unsecured = presentation(credential(), [], holder_did=did_key(HOLDER.public))
    unsecured["disclosures"] = told
    unsecured["verifiableCredential"] = [secure(certificate, GRID_KEY, created=NOW - timedelta(hours=1))]
    signed = secure(unsecured, HOLDER, created=NOW, challenge=CHALLENGE, domain=urn(BANK.org_id))
    return canonical(signed)


def places(said: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document."""
    inner = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    return [one for name, value in inner for one in [(*path, name), *places(value, (*path, name))]]


SIGNED = [
    *(("credential", path) for path in places(credential()) if path[0] != "proof"),
    *(("disclosures", path) for path in places([one.disclosure.document() for one in FACTS.items])),
]


@given(place=st.sampled_from(SIGNED), value=STRANGE)
def test_whatever_a_provider_and_a_holder_sign_is_answered_with_a_verdict(place, value):
    of, path = place
    assert found(of_two_keys(list(path), value, of=of)).verdict in set(_V)


@given(place=st.sampled_from(places(orjson.loads(GOOD))), value=STRANGE)
def test_whatever_stands_in_a_presentation_is_answered_with_a_verdict(place, value):
    document = at = opened(GOOD)
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    assert found(orjson.dumps(document)).verdict in set(_V)


@given(low=st.integers(0, 10**9), nonces=st.sets(st.binary(min_size=32, max_size=32), min_size=2))
def test_the_same_value_under_another_salt_has_another_digest(low, nonces):
    told = FACTS.items[0].disclosure
    with_salts = [replace(told, salt=one.hex(), value={"low": str(low)}).document() for one in nonces]
    assert len({digest_of(one) for one in with_salts}) == len(nonces)
    assert len({data_digest([low], one.hex()) for one in nonces}) == len(nonces)


def test_a_person_is_named_by_a_pseudonym_alone():
    facts = replace(FACTS, subject="9f" * 32)
    unsecured = asset_certificate(facts, url="u", issuer=DID, list_url=LIST_URL, place=0)
    assert unsecured["credentialSubject"]["of"] == {"type": "Person", "pseudonym": "9f" * 32}
    certificate = secure(unsecured, GRID_KEY, created=NOW)
    assert found(shown(certificate), at=NOW).verdict is _V.VALID
    assert HOLDER.public != GRID_KEY.public


def test_saved_keys_of_providers_are_read_strictly():
    one = {"did": DID, "org_id": GRID.org_id, "since": rfc3339(NOW), "retired_at": None}
    assert pins_of(orjson.dumps({"issuers": [one]})) == [ProviderPin(DID, GRID.org_id, NOW)]
    for wrong in ([], {"issuers": {}}, {"issuers": [{}]}, {"issuers": [one | {"since": "soon"}]}):
        with pytest.raises(Malformed):
            pins_of(orjson.dumps(wrong))


def accept(folder: Path, *more: str) -> Result:
    papers = [str(folder / name) for name in ("shown.json", "list.json", "issuers.json")]
    command = ["credential", "accept", papers[0], "--status", papers[1], "--issuers", papers[2]]
    return CliRunner().invoke(app, [*command, "--at", rfc3339(NOW), *more])


def test_a_bank_checks_three_files_at_its_counter(tmp_path):
    (tmp_path / "shown.json").write_bytes(GOOD)
    (tmp_path / "list.json").write_bytes(listed())
    one = {"did": DID, "org_id": GRID.org_id, "since": rfc3339(PIN.since), "retired_at": None}
    (tmp_path / "issuers.json").write_bytes(orjson.dumps({"issuers": [one]}))
    case = ("--purpose", ASKED.purpose, "--reference", ASKED.reference)
    said = accept(tmp_path, "--user", BANK.org_id, *case, "--challenge", CHALLENGE)
    assert said.exit_code == 0, said.output
    assert said.stdout.splitlines() == [
        "valid: shown to this user for this purpose, not revoked",
        "  subject        佛山禾禧金属制品厂",
        "  provider       南粤电网有限公司",
        "  purpose        CREDIT_APPROVAL, 信贷审批 2026-LN-0815",
        "  valid until    2027-02-13, status as of 2026-11-16T01:00:00.000Z",
        "  MONTHLY_USE, 2024-08 to 2026-07: high 140000, low 120000",
        "  STABILITY, 2024-08 to 2026-07: index 981",
    ]
    assert accept(tmp_path, "--user", OTHER_BANK, *case).exit_code == 41
    assert accept(tmp_path, "--user", BANK.org_id, "--purpose", "MARKETING").exit_code == 42
    assert accept(tmp_path, "--purpose", ASKED.purpose).exit_code == 2  # for whom is always asked
    (tmp_path / "list.json").write_bytes(listed(PLACE))
    assert accept(tmp_path, "--user", BANK.org_id, *case, "--json").exit_code == 30
    (tmp_path / "issuers.json").write_bytes(b"{}")
    assert accept(tmp_path, "--user", BANK.org_id, *case).exit_code == 2
