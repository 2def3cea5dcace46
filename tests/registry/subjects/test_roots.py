"""Who is in a record and who is not: every path shows what is so, and none shows anything else."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.subjects.errors import ProofWrong
from registry.subjects.roots import NOWHERE, Node, Path, entry_of, path_of, root_of, shows

HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
# Entries that share a long beginning as well: the tree is then deep.
CLOSE = st.integers(0, 15).map(lambda one: "ab" * 31 + f"{one:02x}")
ENTRIES = st.lists(st.one_of(HEX, CLOSE), min_size=1, max_size=12, unique=True)


@settings(max_examples=40)
@given(entries=ENTRIES, other=st.one_of(HEX, CLOSE))
def test_a_path_shows_exactly_whether_an_entry_is_there(entries, other):
    root = root_of(entries)
    assert root == root_of(reversed(entries)), "in whatever order"
    for entry in {*entries, other}:
        path = path_of(entries, entry)
        assert shows(root, len(entries), entry, path) is (entry in entries)
        with pytest.raises(ProofWrong):
            shows(root, len(entries) + 1, entry, path)


@settings(max_examples=40)
@given(entries=ENTRIES)
def test_what_is_there_cannot_be_shown_to_be_missing(entries):
    root, entry = root_of(entries), entries[0]
    honest = path_of(entries, entry)
    forged = [Path(honest.siblings, None), Path(honest.siblings, "00" * 32), Path((), None)]
    forged += [path_of(entries, other) for other in entries[1:]]
    for path in forged:
        try:
            assert shows(root, len(entries), entry, path) is True  # another's way ends where this entry lies
        except ProofWrong:
            continue


def test_a_root_by_hand():
    low, high = "00" * 32, "ff" * 32
    leaves = [sha256(b"\x00" + bytes.fromhex(one)).digest() for one in (low, high)]
    one = (1).to_bytes(8)
    assert root_of([high, low]) == sha256(b"\x01" + leaves[0] + one + leaves[1] + one).hexdigest()
    assert path_of([low, high], low) == Path((Node(leaves[1], 1),), low)
    assert root_of([low]) == leaves[0].hex()
    assert root_of([]) == NOWHERE.hash.hex()


def test_no_path_is_longer_than_an_entry_has_bits():
    honest = path_of(["00" * 32, "ff" * 32], "00" * 32)
    with pytest.raises(ProofWrong):
        shows("00" * 32, 1, "00" * 32, replace(honest, siblings=honest.siblings * 257))


def test_an_entry_is_of_one_pseudonym_and_one_salt():
    made = entry_of("11" * 32, "22" * 32)
    assert made == sha256(b"databourse/subject-entry/v1\x00" + b"\x11" * 32 + b"\x22" * 32).hexdigest()
    assert len({made, entry_of("11" * 32, "23" * 32), entry_of("12" * 32, "22" * 32)}) == 3


def test_what_lies_where_it_does_not_belong_shows_nothing():
    low, high = "00" * 32, "ff" * 32
    leaves = [Node(sha256(b"\x00" + bytes.fromhex(one)).digest(), 1) for one in (high, low)]
    one = (1).to_bytes(8)
    upside_down = sha256(b"\x01" + leaves[0].hash + one + leaves[1].hash + one).hexdigest()
    with pytest.raises(ProofWrong, match="does not lie on the way"):
        shows(upside_down, 2, low, Path((leaves[1],), high))
