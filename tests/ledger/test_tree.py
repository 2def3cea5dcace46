"""The tree against RFC 6962's published test data, and against a naive recursive oracle."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ProofInvalid
from ledger.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    peaks,
    root,
    root_from_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves of the Certificate Transparency reference implementation, and their roots.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {  # (leaf index, tree size): path
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {  # (older size, size): proof
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}

sizes = st.integers(min_value=1, max_value=300)


def oracle(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + oracle(leaves[:split]) + oracle(leaves[split:])).digest()


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(b"entry %d" % number) for number in range(size)]


def reader(leaves: list[bytes]):
    return lambda level, index: oracle(leaves[index << level : (index + 1) << level])


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert (
        EMPTY_ROOT.hex()
        == root_of([]).hex()
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots(size: int) -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES[:size]]
    assert root_of(leaves).hex() == ROOTS[size - 1]
    assert root(size, reader(leaves)).hex() == ROOTS[size - 1]


@pytest.mark.parametrize("place", INCLUSION)
def test_the_published_audit_paths(place: tuple[int, int]) -> None:
    index, size = place
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    path = inclusion_proof(index, size, reader(leaves))
    assert [value.hex() for value in path] == INCLUSION[place]
    verify_inclusion(index, size, leaves[index], path, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize("place", CONSISTENCY)
def test_the_published_consistency_proofs(place: tuple[int, int]) -> None:
    old, size = place
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    proof = consistency_proof(old, size, reader(leaves))
    assert [value.hex() for value in proof] == CONSISTENCY[place]
    verify_consistency(old, size, bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[size - 1]), proof)


@given(sizes)
def test_a_frontier_grows_to_the_root_of_the_oracle(size: int) -> None:
    leaves = leaves_of(size)
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    assert frontier.size == size
    assert frontier.root() == oracle(leaves)
    assert Frontier.read(size, reader(leaves)).peaks == frontier.peaks
    assert [1 << level for level, _ in peaks(size)] == [1 << b for b in range(9, -1, -1) if size >> b & 1]


@given(sizes, sizes)
def test_a_frontier_goes_on_where_another_was_read(old: int, more: int) -> None:
    leaves = leaves_of(old + more)
    frontier = Frontier.read(old, reader(leaves[:old]))
    earlier = frontier.copy()
    frontier.extend(leaves[old:])
    assert frontier.root() == oracle(leaves)
    assert earlier.root() == oracle(leaves[:old])


@given(st.integers(0, 6), st.integers(0, 20), sizes)
def test_whole_subtrees_may_be_appended(level: int, subtrees: int, tail: int) -> None:
    leaves = leaves_of((subtrees << level) + tail)
    frontier = Frontier()
    for number in range(subtrees):
        frontier.append(oracle(leaves[number << level : (number + 1) << level]), level)
    frontier.extend(leaves[subtrees << level :])
    assert frontier.root() == oracle(leaves)


def test_a_subtree_that_is_not_aligned_is_refused() -> None:
    frontier = Frontier()
    frontier.append(leaf_hash(b"one"))
    with pytest.raises(ProofInvalid):
        frontier.append(leaf_hash(b"two"), 1)
    assert (frontier.size, len(frontier.peaks)) == (1, 1)


@given(st.data(), sizes)
def test_every_inclusion_proof_verifies_and_only_at_its_place(data, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    path = inclusion_proof(index, size, reader(leaves))
    head = oracle(leaves)
    verify_inclusion(index, size, leaves[index], path, head)
    assert root_from_inclusion(index, size, leaves[index], path) == head
    wrong = [
        (index, size, node_hash(head, head), path, head),
        (index, size, leaves[index], path, node_hash(head, head)),
        (index, size, leaves[index], [*path, head], head),
        (index, size, leaves[index], path[:-1], leaf_hash(b"")),
        (size, size, leaves[index], path, head),
        (-1, size, leaves[index], path, head),
    ]
    if size > 1:
        wrong.append(((index + 1) % size, size, leaves[index], path, head))
        wrong.append((index, size, leaves[index], path[:-1], head))
        at = data.draw(st.integers(0, len(path) - 1))
        bent = [*path[:at], bytes([path[at][0] ^ 8]) + path[at][1:], *path[at + 1 :]]
        wrong.append((index, size, leaves[index], bent, head))
    for case in wrong:
        with pytest.raises(ProofInvalid):
            verify_inclusion(*case)


@given(st.data(), sizes)
def test_every_consistency_proof_verifies_and_no_bent_one(data, size: int) -> None:
    old = data.draw(st.integers(0, size))
    leaves = leaves_of(size)
    before, after = oracle(leaves[:old]), oracle(leaves)
    proof = consistency_proof(old, size, reader(leaves))
    verify_consistency(old, size, before, after, proof)
    other = leaf_hash(b"other")
    wrong = [
        (old, size, other, after, proof),
        (old, size, before, after, [*proof, other]),
        (size + 1, size, before, after, proof),
        (old, size, before, after[:-1], proof),
    ]
    if proof:
        wrong += [
            (old, size, before, other, proof),
            (old, size, before, after, proof[:-1]),
            (old, size, before, after, [other, *proof]),
            (old, size, before, after, []),
        ]
        at = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof[:at], bytes([proof[at][0] ^ 16]) + proof[at][1:], *proof[at + 1 :]]
        wrong.append((old, size, before, after, bent))
    for case in wrong:
        with pytest.raises(ProofInvalid):
            verify_consistency(*case)


@given(st.data(), st.integers(2, 200))
def test_a_rewritten_tree_has_no_consistency_proof(data, size: int) -> None:
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    leaves = leaves_of(size)
    before = oracle(leaves[:old])
    leaves[changed] = leaf_hash(b"rewritten")
    with pytest.raises(ProofInvalid):
        verify_consistency(old, size, before, oracle(leaves), consistency_proof(old, size, reader(leaves)))


def test_a_path_has_the_length_of_its_place_even_where_the_hashes_would_fit() -> None:
    one, two = leaf_hash(b"one"), leaf_hash(b"two")
    both = node_hash(one, two)
    with pytest.raises(ProofInvalid, match="too short"):
        verify_inclusion(0, 2, both, [], both)  # an inner node is no leaf
    with pytest.raises(ProofInvalid, match="too long"):
        verify_inclusion(0, 1, two, [one], both)
    with pytest.raises(ProofInvalid, match="empty"):
        verify_consistency(2, 4, both, both, [])
    with pytest.raises(ProofInvalid, match="too short"):
        verify_consistency(3, 8, both, both, [both])
    with pytest.raises(ProofInvalid, match="too long"):
        verify_consistency(2, 3, both, node_hash(node_hash(both, one), two), [one, two])


def test_proofs_outside_the_tree_are_refused() -> None:
    node = reader(leaves_of(4))
    for index, size in ((4, 4), (-1, 4), (0, 0)):
        with pytest.raises(ProofInvalid):
            inclusion_proof(index, size, node)
    for old, size in ((5, 4), (-1, 4)):
        with pytest.raises(ProofInvalid):
            consistency_proof(old, size, node)
    with pytest.raises(ProofInvalid):
        Frontier(3, [leaf_hash(b"")])
