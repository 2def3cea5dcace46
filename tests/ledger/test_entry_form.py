"""Envelopes and entries are spelt out by hand, for speed; RFC 8785 says what they have to be."""

import json
from datetime import UTC, datetime

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from base.clock import rfc3339
from base.signing import Envelope, Signature
from ledger.statement import envelope_bytes, sealed_entry

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SIGNATURES = st.builds(Signature, TEXTS, st.binary(max_size=70))
ENVELOPES = st.builds(Envelope, TEXTS, st.binary(), st.lists(SIGNATURES, max_size=3).map(tuple))


@given(envelope=ENVELOPES)
def test_an_envelope_is_its_canonical_json(envelope: Envelope) -> None:
    assert envelope_bytes(envelope) == rfc8785.dumps(envelope.document())


@given(
    envelope=ENVELOPES,
    seq=st.integers(0, 2**53 - 1),
    prev=st.binary(min_size=32, max_size=32).map(bytes.hex),
    ms=st.integers(0, 2**42),
    node=TEXTS,
)
def test_an_entry_is_the_canonical_json_of_its_parts(
    envelope: Envelope, seq: int, prev: str, ms: int, node: str
) -> None:
    stored, at = envelope_bytes(envelope), datetime.fromtimestamp(ms / 1000, UTC)
    entry = {
        "at": rfc3339(at),
        "envelope": json.loads(stored),
        "node": node,
        "prev": prev,
        "seq": seq,
        "v": 1,
    }
    assert sealed_entry(seq=seq, prev=prev, at=at, node=node, envelope=stored) == rfc8785.dumps(entry)
