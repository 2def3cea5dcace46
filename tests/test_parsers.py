"""Whatever bytes come, a parser answers or raises what it says: one row for each in docs/security.md.

Parsers that have a file of their own are named in that table. Each sample is changed as
`tests.ledger.test_fuzz` changes them: bytes replaced, taken out, doubled, put in.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.age import Identity, KeyDoesNotOpen, file_key_of, header_for
from base.canonical import canonical
from base.credential.multikey import multikey, parse_multikey
from base.credential.reading import read_object
from base.errors import Malformed
from base.signing import SigningKey
from cli.backup_archive import BackupBad, parse_manifest
from identity.natural import parse_id_number
from identity.rules import parse_login, parse_name, parse_region
from identity.uscc import parse_uscc
from ledger.errors import NoteInvalid
from ledger.witness_receipt import FederatedReceipt
from market.delivery.sandbox.errors import QuestionRefused
from market.delivery.sandbox.parsing import parse as parse_question
from market.orders.errors import PolicyNotUnderstood
from market.orders.permitting import parse as parse_policy
from market.settlement.errors import BankMessageMalformed
from market.settlement.messages import read_notification, read_statement, read_status
from pricing.facts import parse_facts
from registry.errors import ReportBroken
from registry.report import parse_report as parse_quality
from supervision.errors import UnusableFindings
from supervision.rederiving import parse_openings
from supervision.report import parse_report as parse_findings
from tests.market.orders.test_policy import LICENCE
from tests.market.orders.test_policy import build as build_policy
from tests.market.settlement.test_debits import TOLD
from web.pages.forms import parse_form

IDENTITY = Identity.generate()
SHA = "0" * 64


def text(data: bytes) -> str:
    """What a parser of text is given: also what no UTF-8 leads to."""
    return data.decode(errors="surrogateescape")


def bank(reader: Callable[[bytes], Any], kind: bytes) -> Any:
    return reader, (BankMessageMalformed,), [TOLD, TOLD.replace(b"camt.054", kind), b"<a/>", b"<!DOCTYPE a>"]


SAMPLES: dict[str, tuple[Callable[[bytes], Any], tuple[type[Exception], ...], list[bytes]]] = {
    "camt.054": bank(read_notification, b"camt.054"),
    "camt.053": bank(read_statement, b"camt.053"),
    "pain.002": bank(read_status, b"pain.002"),
    "usage policy": (parse_policy, (PolicyNotUnderstood,), [canonical(orjson.loads(build_policy(LICENCE)))]),
    "credential": (
        read_object,
        (Malformed,),
        [b'{"a":[1,"b",{"c":null}],"d":true}', b"[1]", b'{"a":1,"a":2}'],
    ),
    "multikey": (
        lambda data: parse_multikey(text(data)),
        (Malformed,),
        [multikey(SigningKey.generate().public).encode(), b"z"],
    ),
    "price facts": (parse_facts, (Malformed,), [b'{"cost":{"a":1.5},"b":[1,2]}', b"NaN", b'{"a":1e999}']),
    "findings": (
        parse_findings,
        (UnusableFindings,),
        [
            (
                b'{"as_of":"2026-11-23T00:00:00Z","mode":"full","rules_run":[],"rules_off":[],"statistics":{},'
                b'"findings":[]}'
            )
        ],
    ),
    "openings": (parse_openings, (UnusableFindings,), [b'{"%s":{"nonce":"a"}}' % SHA.encode(), b"[]"]),
    "quality report": (parse_quality, (ReportBroken,), [b'{"dimensions":{},"rows":1}', b"{}"]),
    "federated receipt": (FederatedReceipt.parse, (NoteInvalid,), [b'{"entry":"YQ==","receipt":"","v":1}']),
    "age header": (
        lambda data: file_key_of(data, IDENTITY),
        (KeyDoesNotOpen, Malformed),
        [header_for(bytes(16), IDENTITY.recipient)],
    ),
    "age identity": (lambda data: Identity.parse(text(data)), (Malformed,), [str(IDENTITY).encode()]),
    "backup manifest": (
        parse_manifest,
        (BackupBad,),
        [b'{"form":"databourse-backup/1","members":{"keys/a":{"bytes":1,"sha256":"%s"}}}' % SHA.encode()],
    ),
    "form": (parse_form, (Malformed,), [b"a=1&b=%E5%B9%BF&a=2", b"", b"&&", b"a=%ff"]),
    "sandbox question": (
        lambda data: parse_question(text(data)),
        (QuestionRefused,),
        [b"SELECT city, COUNT(*) AS n FROM data WHERE month >= '2025-01' GROUP BY city ORDER BY n LIMIT 5"],
    ),
    "credit code": (lambda data: parse_uscc(text(data)), (Malformed,), [b"91440100MA0000001A"]),
    "identity number": (lambda data: parse_id_number(text(data)), (Malformed,), [b"11010519491231002X"]),
    "login": (lambda data: parse_login(text(data)), (Malformed,), [b"Li.Wei"]),
    "name": (lambda data: parse_name(text(data)), (Malformed,), ["李伟".encode()]),
    "region": (lambda data: parse_region(text(data)), (Malformed,), [b"440100"]),
}


@st.composite
def changed(draw: st.DrawFn, corpus: list[bytes]) -> bytes:
    """A sample with some of its bytes changed, taken out, doubled or put in."""
    data = bytearray(draw(st.sampled_from(corpus)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                del data[at : at + draw(st.integers(1, 8))]
            case 2:
                data[at:at] = data[at : at + 16]
            case _:
                data[at:at] = draw(
                    st.binary(max_size=6) | st.sampled_from([b"\x00", b"\xff", b"[" * 3000, b"-1e9"])
                )
    return bytes(data)


def check(name: str, data: bytes) -> None:
    read, refuses, _ = SAMPLES[name]
    with suppress(*refuses):
        read(data)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_parser_answers_or_raises_what_it_says(name: str) -> None:
    @settings(max_examples=15)
    @given(data=changed(SAMPLES[name][2]) | st.binary(max_size=200))
    def run(data: bytes) -> None:
        check(name, data)

    run()


@pytest.mark.soak
@pytest.mark.parametrize("name", SAMPLES)
def test_a_parser_answers_or_raises_what_it_says_at_length(name: str) -> None:
    @settings(max_examples=5000)
    @given(data=changed(SAMPLES[name][2]) | st.binary(max_size=2000))
    def run(data: bytes) -> None:
        check(name, data)

    run()
