"""The offline verifier: every verdict by the evidence that calls for it, good beside bad."""

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.canonical import canonical
from base.clock import rfc3339
from base.credential.bitstring import ENTRIES, MAX_BYTES, pack
from base.credential.checking import Pin, pins_of
from base.credential.multikey import did_key, method_of
from base.credential.proof import secure
from base.credential.status import Places, Purpose
from base.credential.verdicts import EXIT_CODES, Verdict
from base.errors import Malformed
from brokers.credential.verifying import verify
from tests.brokers.credential.samples import (
    DID,
    FACTS,
    GOOD,
    KEY,
    LIST_URL,
    NOW,
    OTHER,
    PIN,
    PLACES,
    certificate,
    listed,
    opened,
    unsigned_certificate,
    unsigned_list,
)

Document = dict[str, Any]
OTHERS_DID = did_key(OTHER.public)
HOUR = timedelta(hours=1)


def test_a_good_credential_with_its_list_is_valid_and_says_whom_it_certifies():
    found = GOOD.verified()
    assert (found.verdict, found.exit_code, found.notes) == (Verdict.VALID, 0, ())
    assert found.subject["name"] == FACTS.name
    assert found.subject["practitioners"] == [
        {"type": "Practitioner", "name": "陈一", "practitionerNumber": "P-001"},
        {"type": "Practitioner", "name": "李二"},
    ]
    assert (found.valid_until, found.status_as_of) == (rfc3339(FACTS.valid_to), rfc3339(NOW))


def test_every_verdict_has_an_exit_code_of_its_own():
    assert EXIT_CODES.keys() == set(Verdict)
    assert len(set(EXIT_CODES.values())) == len(Verdict)
    assert {code for code in EXIT_CODES.values() if code in {1, 2}} == set()  # an error's, and a misuse's


# --- the credential itself


def respelt(change: Callable[[Document], None], *, signed: bool = True) -> bytes:
    """The good credential with a change, signed again by the issuer or left as it is."""
    document = opened(GOOD.credential)
    if signed:
        del document["proof"]
        change(document)
        return canonical(secure(document, KEY, created=NOW))
    change(document)
    return canonical(document)


def put(*path: Any, value: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        at: Any = document
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("credentialSubject", "grade", value=1),
        put("credentialSubject", "name", value="另一家数据经纪有限公司"),
        put("credentialSubject", "practitioners", 0, "name", value="王五"),
        put("validUntil", value="2099-01-01T00:00:00.000Z"),
        put("credentialStatus", 0, "statusListIndex", value="1"),
        put("id", value="https://exchange.example/credentials/crd_2"),
        put("more", value="a member that nobody signed"),
        put("proof", "created", value="2026-11-16T00:59:59.000Z"),
        put("proof", "proofValue", value=opened(GOOD.lists[0])["proof"]["proofValue"]),
    ],
)
def test_what_was_changed_after_it_was_signed_is_forged(change):
    found = GOOD.with_credential(respelt(change, signed=False)).verified()
    assert (found.verdict, found.exit_code, found.subject) == (Verdict.FORGED, 12, {})


def test_somebody_else_s_signature_under_the_issuer_s_name_is_no_credential():
    forged = opened(certificate(key=OTHER))  # the issuer is ours, the key is not
    found = GOOD.with_credential(canonical(forged)).verified()
    assert found.verdict is Verdict.ISSUER_FOREIGN
    forged["proof"]["verificationMethod"] = method_of(DID)
    assert GOOD.with_credential(canonical(forged)).verified().verdict is Verdict.FORGED


def test_a_foreign_issuer_s_credential_is_one_whatever_it_says():
    document = {**unsigned_certificate(), "issuer": OTHERS_DID}
    papers = GOOD.with_credential(certificate(document, key=OTHER))
    found = papers.verified()
    assert (found.verdict, found.subject) == (Verdict.ISSUER_FOREIGN, {})
    theirs = papers.with_lists(listed(key=OTHER, issuer=OTHERS_DID))
    assert theirs.verified(pins=[Pin(OTHERS_DID)]).verdict is Verdict.VALID
    assert theirs.verified(pins=None).verdict is Verdict.INCOMPLETE
    assert theirs.verified(pins=[]).verdict is Verdict.ISSUER_FOREIGN


def test_an_issuer_is_believed_from_its_first_day_to_its_last():
    early = Pin(DID, since=NOW + HOUR)
    retired = replace(PIN, until=NOW + HOUR)
    assert GOOD.verified(pins=[early]).verdict is Verdict.ISSUER_FOREIGN
    assert GOOD.verified(pins=[retired]).verdict is Verdict.ISSUER_RETIRED
    assert GOOD.verified(pins=[Pin(OTHERS_DID), PIN]).verdict is Verdict.VALID


def test_validity_begins_with_its_first_moment_and_ends_before_its_last():
    def at(moment):
        fresh = GOOD.with_lists(listed(as_of=moment))
        return fresh.verified(at=moment).verdict

    tick = timedelta(milliseconds=1)
    assert at(FACTS.valid_from - tick) is Verdict.NOT_YET_VALID
    assert at(FACTS.valid_from) is Verdict.VALID
    assert at(FACTS.valid_to - tick) is Verdict.VALID
    assert at(FACTS.valid_to) is Verdict.EXPIRED


@pytest.mark.parametrize(
    "change",
    [
        put("@context", value=["https://www.w3.org/ns/credentials/v2"]),
        put("@context", 1, "grade", value="urn:databourse:broker:v1#year"),
        put("@context", 0, value="https://www.w3.org/2018/credentials/v1"),
        lambda document: document["@context"].append("https://evil.example/v1"),
        lambda document: document["@context"].reverse(),
        lambda document: document.pop("@context"),
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_another_context_gives_the_words_another_meaning_and_is_refused(change, signed):
    found = GOOD.with_credential(respelt(change, signed=signed)).verified()
    assert (found.verdict, found.subject) == (Verdict.CONTEXT_CHANGED, {})


def test_a_context_that_only_the_proof_has_is_refused_too():
    papers = GOOD.with_credential(respelt(put("proof", "@context", value=[]), signed=False))
    assert papers.verified().verdict is Verdict.FORGED


@pytest.mark.parametrize(
    "change",
    [
        put("type", value=["VerifiableCredential"]),
        put("type", value=["VerifiableCredential", "BrokerCertificate", "More"]),
        put("credentialSubject", value=[]),
        put("credentialStatus", value=opened(GOOD.credential)["credentialStatus"][:1]),
        put("credentialStatus", value=opened(GOOD.credential)["credentialStatus"][::-1]),
        put("credentialStatus", 1, "statusPurpose", value="revocation"),
        put("credentialStatus", 1, "statusPurpose", value="refresh"),
        put("credentialStatus", 0, "type", value="StatusList2021Entry"),
        put("credentialStatus", 0, "statusSize", value=2),
        put("credentialStatus", 0, "statusListIndex", value=7),
        put("credentialStatus", 0, "statusListIndex", value="07"),
        put("credentialStatus", 0, "statusListIndex", value="-7"),
        put("credentialStatus", 0, "statusListIndex", value="٧"),
        put("credentialStatus", 0, "statusListIndex", value="1" * 5000),
        put("credentialStatus", 0, "statusListCredential", value=None),
        put("validUntil", value="2026-11-16"),
        put("validUntil", value="2029-11-16T00:00:00"),
        put("validFrom", value="0001-01-01T00:00:00+14:00"),
        put("validFrom", value=None),
        lambda document: document.pop("validUntil"),
        put("validUntil", value=rfc3339(FACTS.valid_from)),
    ],
)
def test_what_is_signed_and_has_another_form_is_malformed(change):
    found = GOOD.with_credential(respelt(change)).verified()
    assert found.verdict is Verdict.MALFORMED, found


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("proof"),
        lambda document: document.update(proof=[document["proof"]]),
        put("proof", "cryptosuite", value="eddsa-rdfc-2022"),
        put("proof", "type", value="Ed25519Signature2020"),
        put("proof", "proofPurpose", value="authentication"),
        put("proof", "expires", value="2099-01-01T00:00:00Z"),
        put("proof", "created", value="yesterday"),
        put("proof", "proofValue", value="u" + "A" * 86),
        put("proof", "proofValue", value="z" * 5000),
        put("proof", "proofValue", value=None),
        put("proof", "verificationMethod", value=DID),
        put("proof", "verificationMethod", value="did:web:exchange.example#key-1"),
        lambda document: document["proof"].pop("created"),
    ],
)
def test_a_proof_of_another_form_is_no_proof(change):
    found = GOOD.with_credential(respelt(change, signed=False)).verified()
    assert found.verdict is Verdict.MALFORMED, found


def test_a_member_that_is_there_twice_is_refused_however_it_is_hidden():
    text = GOOD.credential.decode()
    grade = '"grade":2'
    assert grade in text
    for twice in (f'"grade":1,{grade}', f'{grade},"grade":1', f'"\\u0067rade":1,{grade}'):
        found = GOOD.with_credential(text.replace(grade, twice, 1).encode()).verified()
        assert (found.verdict, found.detail) == (Verdict.MALFORMED, "a member is there twice")
    doubled = text.replace('"id":"https://exchange', '"id":"x","id":"https://exchange', 1).encode()
    assert GOOD.with_credential(doubled).verified().verdict is Verdict.MALFORMED


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'"credential"',
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"a":NaN}',
        b'{"a":1.0}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' * 200_000,
        b"[" * 500_000,
        b'{"a":"\\ud800"}',
        b"{}" + b" " * 2**20,
    ],
)
def test_what_is_no_document_is_malformed_and_nothing_falls_over(raw):
    assert GOOD.with_credential(raw).verified().verdict is Verdict.MALFORMED
    assert GOOD.with_lists(raw).verified().verdict is Verdict.LIST_MALFORMED


def test_a_credential_that_is_laid_out_for_reading_is_the_same_credential():
    pretty = json.dumps(opened(GOOD.credential), indent=2, ensure_ascii=True).encode()
    assert GOOD.with_credential(pretty).verified().verdict is Verdict.VALID


# --- the list


def test_a_set_bit_is_revoked_or_suspended_and_revoked_comes_first():
    both = (PLACES.revocation, PLACES.suspension)
    for places, verdict in (
        ((PLACES.revocation,), Verdict.REVOKED),
        ((PLACES.suspension,), Verdict.SUSPENDED),
        (both, Verdict.REVOKED),
        ((PLACES.revocation - 1, PLACES.revocation + 1, PLACES.suspension + 1), Verdict.VALID),
    ):
        assert GOOD.with_lists(listed(*places)).verified().verdict is verdict


def test_two_lists_of_one_purpose_each_do_as_well_and_one_alone_does_not():
    certified = certificate(unsigned_certificate(Places(LIST_URL, PLACES.revocation, PLACES.suspension)))
    of_one = [
        listed(PLACES.suspension, purposes=(purpose,)) for purpose in (Purpose.REVOCATION, Purpose.SUSPENSION)
    ]
    papers = GOOD.with_credential(certified)
    assert papers.with_lists(*of_one).verified().verdict is Verdict.SUSPENDED
    assert papers.with_lists(of_one[0]).verified().verdict is Verdict.LIST_PURPOSE_WRONG
    other = listed(document=put_in(unsigned_list(), "credentialSubject", "statusPurpose", value="message"))
    assert papers.with_lists(other).verified().verdict is Verdict.LIST_PURPOSE_WRONG


def put_in(document: Document, *path: Any, value: Any) -> Document:
    put(*path, value=value)(document)
    return document


def test_of_two_lists_of_one_name_the_newer_one_counts():
    old = listed(as_of=NOW - HOUR)
    new = listed(PLACES.suspension)
    assert GOOD.with_lists(old, new).verified().verdict is Verdict.SUSPENDED
    assert GOOD.with_lists(new, old).verified().verdict is Verdict.SUSPENDED
    lifted = listed(PLACES.suspension, as_of=NOW - HOUR)
    assert GOOD.with_lists(lifted, listed()).verified().verdict is Verdict.VALID


def test_a_list_that_was_tampered_with_is_forged():
    document = opened(listed(PLACES.suspension))
    clean = put_in(document, "credentialSubject", "encodedList", value=pack([]))
    assert GOOD.with_lists(canonical(clean)).verified().verdict is Verdict.LIST_FORGED
    later = put_in(opened(listed()), "validUntil", value="2099-01-01T00:00:00.000Z")
    assert GOOD.with_lists(canonical(later)).verified().verdict is Verdict.LIST_FORGED


def test_a_list_of_another_issuer_does_not_speak_of_ours():
    honest = listed(key=OTHER, issuer=OTHERS_DID)
    assert GOOD.with_lists(honest).verified().verdict is Verdict.LIST_ISSUER_FOREIGN
    assert GOOD.with_lists(honest).verified(pins=[PIN, Pin(OTHERS_DID)]).verdict is (
        Verdict.LIST_ISSUER_FOREIGN
    )
    borrowed = listed(key=OTHER)
    assert GOOD.with_lists(borrowed).verified().verdict is Verdict.LIST_ISSUER_FOREIGN


def test_a_list_under_another_name_is_another_list():
    other = listed(url="https://exchange.example/credentials/status/2")
    assert GOOD.with_lists(other).verified().verdict is Verdict.LIST_OTHER
    assert GOOD.with_lists(other, *GOOD.lists).verified().verdict is Verdict.VALID


def test_a_list_grows_stale_and_is_asked_for_anew_before_that():
    def at(passed, **more):
        return GOOD.verified(at=NOW + passed, **more)

    tick = timedelta(milliseconds=1)
    assert at(timedelta(minutes=5)).notes == ()
    later = at(timedelta(minutes=5) + tick)
    assert (later.verdict, len(later.notes)) == (Verdict.VALID, 1)
    assert at(timedelta(hours=24) - tick).verdict is Verdict.VALID
    assert at(timedelta(hours=24)).verdict is Verdict.LIST_STALE
    assert at(HOUR, max_age=HOUR).verdict is Verdict.VALID
    assert at(HOUR + tick, max_age=HOUR).verdict is Verdict.LIST_STALE


def test_a_list_from_the_future_is_not_believed_but_for_two_clocks_difference():
    assert GOOD.verified(at=NOW - timedelta(minutes=2)).verdict is Verdict.VALID
    assert GOOD.verified(at=NOW - timedelta(minutes=3)).verdict is Verdict.LIST_NOT_YET_VALID


@pytest.mark.parametrize("place", [ENTRIES, ENTRIES + 1, 999_999_999])
def test_a_place_beyond_the_list_is_out_of_range(place):
    papers = GOOD.with_credential(certificate(unsigned_certificate(Places(LIST_URL, 3, place))))
    assert papers.verified().verdict is Verdict.INDEX_OUT_OF_RANGE


def test_the_last_place_of_a_list_is_in_it():
    places = Places(LIST_URL, ENTRIES - 1, 0)
    papers = GOOD.with_credential(certificate(unsigned_certificate(places)))
    assert papers.verified().verdict is Verdict.VALID
    assert papers.with_lists(listed(ENTRIES - 1)).verified().verdict is Verdict.REVOKED
    assert papers.with_lists(listed(0)).verified().verdict is Verdict.SUSPENDED


def packed(bits: bytes) -> str:
    return "u" + base64.urlsafe_b64encode(gzip.compress(bits, mtime=0)).decode().rstrip("=")


def bomb() -> str:
    """A list that would unpack to 256 MiB."""
    packing = zlib.compressobj(9, wbits=31)
    first, again = (packing.compress(bytes(2**20)) + packing.flush(zlib.Z_FULL_FLUSH) for _ in "ab")
    end = packing.flush()[:-8] + struct.pack("<II", zlib.crc32(bytes(2**28)), 2**28)
    return "u" + base64.urlsafe_b64encode(first + 255 * again + end).decode().rstrip("=")


GOOD_BITS = gzip.compress(bytes(ENTRIES // 8), mtime=0)


@pytest.mark.parametrize(
    "encoded",
    [
        bomb(),
        packed(bytes(MAX_BYTES + 1)),
        packed(bytes(ENTRIES // 8 - 1)),
        packed(b""),
        pack([])[1:],
        "z" + pack([])[1:],
        pack([]) + "==",
        pack([])[:-4],
        "u" + base64.b64encode(b"\xfb\xff" * 40).decode(),
        "u" + base64.urlsafe_b64encode(zlib.compress(bytes(ENTRIES // 8))).decode().rstrip("="),
        "u" + base64.urlsafe_b64encode(GOOD_BITS + b"more").decode().rstrip("="),
        "u" + base64.urlsafe_b64encode(GOOD_BITS + GOOD_BITS).decode().rstrip("="),
        "u",
        "",
        7,
        None,
    ],
)
def test_a_list_that_is_no_bitstring_of_the_right_size_is_malformed(encoded):
    document = put_in(unsigned_list(), "credentialSubject", "encodedList", value=encoded)
    assert GOOD.with_lists(listed(document=document)).verified().verdict is Verdict.LIST_MALFORMED


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("type",), ["VerifiableCredential"]),
        (("@context",), ["https://www.w3.org/ns/credentials/v2", {}]),
        (("validUntil",), None),
        (("validUntil",), rfc3339(NOW)),
        (("id",), None),
        (("credentialSubject",), []),
        (("credentialSubject", "type"), "StatusList2021"),
        (("credentialSubject", "statusPurpose"), None),
        (("credentialSubject", "statusPurpose"), [["revocation"]]),
        (("credentialSubject", "statusSize"), 2),
    ],
)
def test_a_list_of_another_form_is_malformed(path, value):
    document = put_in(unsigned_list(), *path, value=value)
    assert GOOD.with_lists(listed(document=document)).verified().verdict is Verdict.LIST_MALFORMED


def test_a_larger_list_of_a_foreign_hand_is_read_to_its_end():
    document = put_in(unsigned_list(), "credentialSubject", "encodedList", value=packed(bytes(MAX_BYTES)))
    assert GOOD.with_lists(listed(document=document)).verified().verdict is Verdict.VALID


@pytest.mark.parametrize("ttl", [-1, "300000", 2**53 - 1, None])
def test_a_strange_time_to_live_is_no_note_and_no_fault(ttl):
    document = put_in(unsigned_list(), "credentialSubject", "ttl", value=ttl)
    found = GOOD.with_lists(listed(document=document)).verified(at=NOW + HOUR)
    assert (found.verdict, found.notes) == (Verdict.VALID, ())


def test_what_was_not_looked_at_is_told_and_is_not_valid():
    found = GOOD.with_lists().verified()
    assert (found.verdict, found.exit_code) == (Verdict.INCOMPLETE, 3)
    assert found.detail == "no status list was looked at"
    assert GOOD.verified(pins=None).detail == "the issuer is not pinned"
    assert GOOD.with_lists().verified(pins=None).verdict is Verdict.INCOMPLETE
    gone = GOOD.with_lists(listed(PLACES.revocation)).verified(pins=None)
    assert gone.verdict is Verdict.REVOKED  # what is wrong is said before what is missing


# --- properties


@given(st.data())
def test_one_changed_byte_of_a_credential_or_a_list_is_never_taken(data):
    of_list = data.draw(st.booleans())
    raw = bytearray(GOOD.lists[0] if of_list else GOOD.credential)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))
    papers = GOOD.with_lists(bytes(raw)) if of_list else GOOD.with_credential(bytes(raw))
    assert papers.verified().verdict is not Verdict.VALID


@given(st.data())
def test_one_byte_more_or_less_is_never_taken_unless_it_says_nothing(data):
    of_list = data.draw(st.booleans())
    raw = GOOD.lists[0] if of_list else GOOD.credential
    at = data.draw(st.integers(0, len(raw) - 1))
    more = data.draw(st.binary(max_size=1))
    changed = raw[:at] + more + raw[at + (0 if more else 1) :]
    papers = GOOD.with_lists(changed) if of_list else GOOD.with_credential(changed)
    same = orjson.loads(raw)
    try:
        said = orjson.loads(changed)
    except orjson.JSONDecodeError:
        said = None
    assert (papers.verified().verdict is Verdict.VALID) == (said == same)


def paths(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [at] if at else []
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, value in inside:
        found += paths(value, (*at, step))
    return found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_one_changed_added_or_missing_member_is_never_taken_and_never_a_crash(data):
    of_list = data.draw(st.booleans())
    document = opened(GOOD.lists[0] if of_list else GOOD.credential)
    path = data.draw(st.sampled_from(paths(document)))
    at: Any = document
    for step in path[:-1]:
        at = at[step]
    before = at[path[-1]]
    match data.draw(st.sampled_from(["change", "add", "take"])):
        case "take":
            del at[path[-1]]
        case "add" if isinstance(before, dict):
            before[data.draw(st.text(max_size=6).filter(lambda name: name not in before))] = data.draw(JSON)
        case _:
            new = data.draw(JSON.filter(lambda value: (type(value), value) != (type(before), before)))
            at[path[-1]] = new
    raw = json.dumps(document).encode()
    papers = GOOD.with_lists(raw) if of_list else GOOD.with_credential(raw)
    assert papers.verified().verdict is not Verdict.VALID


@given(st.binary(max_size=200))
def test_any_bytes_at_all_come_to_a_verdict(raw):
    assert verify(raw, [raw], [PIN], at=NOW).verdict is Verdict.MALFORMED
    assert GOOD.with_lists(raw).verified().verdict is Verdict.LIST_MALFORMED


@given(st.sets(st.integers(0, ENTRIES - 1), max_size=30), st.booleans(), st.booleans())
def test_the_verdict_is_what_the_two_bits_say(others, revoked, suspended):
    others -= {PLACES.revocation, PLACES.suspension}
    places = (
        others | ({PLACES.revocation} if revoked else set()) | ({PLACES.suspension} if suspended else set())
    )
    expected = Verdict.REVOKED if revoked else Verdict.SUSPENDED if suspended else Verdict.VALID
    assert GOOD.with_lists(listed(*places)).verified().verdict is expected


# --- the particulars that pin an issuer


def test_the_particulars_of_an_exchange_name_its_issuers():
    said = {
        "origin": "exchange.example/log",
        "issuer": {"did": DID, "since": "2026-10-01T00:00:00Z", "until": None},
        "past_issuers": [
            {"did": OTHERS_DID, "since": "2026-01-01T00:00:00Z", "until": "2026-10-01T00:00:00Z"}
        ],
    }
    present, past = pins_of(orjson.dumps(said))
    assert (present.did, present.until, past.did) == (DID, None, OTHERS_DID)
    assert GOOD.verified(pins=[present, past]).verdict is Verdict.VALID
    theirs = certificate({**unsigned_certificate(), "issuer": OTHERS_DID}, key=OTHER)
    assert GOOD.with_credential(theirs).verified(pins=[present, past]).verdict is Verdict.ISSUER_RETIRED


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"issuer": None, "past_issuers": []},
        {"issuer": {"did": "did:web:x", "since": "2026-01-01T00:00:00Z", "until": None}},
        {"issuer": {"did": DID, "since": None, "until": None}},
        {"issuer": {"did": DID, "since": "2026-01-01T00:00:00Z"}, "past_issuers": ["x"]},
    ],
)
def test_particulars_without_an_issuer_pin_nothing(said):
    with pytest.raises(Malformed):
        pins_of(orjson.dumps(said))
