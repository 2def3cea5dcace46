"""tlog-policy files: read as the specification has them, and nothing else."""

import pytest

from base.signing import SigningKey
from ledger.checkpoint import Cosigner, NoteSigner, Verified
from ledger.errors import PolicyInvalid
from ledger.witness_policy import Group, Policy

LOG = str(NoteSigner("city.example/log", SigningKey.from_bytes(b"l" * 32)).vkey)
KEYS = {
    name: Cosigner(f"{name.lower()}.example", SigningKey.from_bytes(name.encode() * 16)).vkey
    for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")
}
# The example of C2SP tlog-policy, with keys.
EXAMPLE = f"""
# an example
log {LOG} https://city.example/

witness X1 {KEYS["X1"]}
witness X2 {KEYS["X2"]} https://x2.example/witness
\t witness  X3\t{KEYS["X3"]}
group X-witnesses 2 X1 X2 X3

witness Y1 {KEYS["Y1"]}
witness Y2 {KEYS["Y2"]}
witness Y3 {KEYS["Y3"]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def holds(policy: Policy, *names: str) -> bool:
    return policy.satisfied(Verified(KEYS[name], 1) for name in names)


def test_the_example_of_the_specification() -> None:
    policy = Policy.parse(EXAMPLE.encode())
    assert [(str(log.vkey), log.url) for log in policy.logs] == [(LOG, "https://city.example")]
    assert [(one.name, one.vkey, one.url) for one in policy.witnesses] == [
        (name, KEYS[name], "https://x2.example/witness" if name == "X2" else None) for name in KEYS
    ]
    assert policy.groups["X-witnesses"] == Group(2, ("X1", "X2", "X3"))
    assert holds(policy, "X1", "X3", "Y2")
    assert holds(policy, *KEYS)
    assert not holds(policy, "X1", "X2", "X3")
    assert not holds(policy, "X1", "Y1", "Y2", "Y3")
    assert not holds(policy, "X1", "X1", "Y1")


def test_one_witness_or_none_may_be_the_quorum() -> None:
    one = Policy.parse(f"witness w {KEYS['X1']}\nquorum w".encode())
    assert one.asks
    assert holds(one, "X1")
    assert not holds(one, "X2")
    none = Policy.parse(f"witness w {KEYS['X1']}\nquorum none\n".encode())
    assert not none.asks
    assert holds(none)


def test_a_list_of_logs_needs_no_quorum() -> None:
    listed = Policy.parse(f"log {LOG}\n".encode(), quorum=False)
    assert (len(listed.logs), listed.asks) == (1, False)
    with pytest.raises(PolicyInvalid, match="quorum"):
        Policy.parse(f"log {LOG}\n".encode())


W = f"witness w {KEYS['X1']}"


@pytest.mark.parametrize(
    "text",
    [
        "quorum w",
        f"{W}\nquorum v",
        f"{W}\nquorum w\nquorum w",
        f"{W}\n{W}\nquorum w",  # a name twice
        f"{W}\nwitness v {KEYS['X1']}\nquorum w",  # a key twice
        f"log {LOG}\nlog {LOG}\nquorum none",
        f"log {KEYS['X1']}\nquorum none",  # a witness is no log
        f"witness w {LOG}\nquorum w",
        f"witness none {KEYS['X1']}\nquorum none",
        f"{W}\ngroup g 0 w\nquorum g",
        f"{W}\ngroup g 2 w\nquorum g",
        f"{W}\ngroup g 01 w\nquorum g",
        f"{W}\ngroup g some w\nquorum g",
        f"{W}\ngroup g any\nquorum g",
        f"{W}\ngroup g any w w\nquorum g",
        f"{W}\ngroup g any w\ngroup h any w\nquorum h",  # a member of two
        f"{W}\ngroup g any g\nquorum g",
        f"group g any w\n{W}\nquorum g",  # not yet defined
        f"{W}\ngroup g any none\nquorum g",
        f"{W} ftp://w.example\nquorum w",
        f"{W} https://w.example/?x\nquorum w",
        f"{W}\nquorum w\r\n",
        f"{W}\nquorum w\nlogs\n",
        f"{W[:-3]}\nquorum w",
        "witness w\nquorum w",
    ],
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(PolicyInvalid):
        Policy.parse(text.encode())


def test_a_name_is_bytes_and_a_key_is_utf_8() -> None:
    odd = W.encode().replace(b" w ", b" \xe2 ") + b"\nquorum \xe2\n"
    assert holds(Policy.parse(odd), "X1")
    with pytest.raises(PolicyInvalid):
        Policy.parse(b"witness w \xe2\x28+00000000+AAAA\nquorum w")
    with pytest.raises(PolicyInvalid, match="short"):
        Policy.parse(b"#" * 2_000_000)
