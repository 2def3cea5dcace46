"""age v1, X25519: our files open by the public tool, and its files by ours; a changed byte opens nothing."""

import shutil
import subprocess
from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.age import (
    CHUNK_BYTES,
    SEALED_BYTES,
    Identity,
    KeyDoesNotOpen,
    Payload,
    check_recipient,
    file_key_of,
    header_for,
    payload_length,
)
from base.errors import Malformed

# Made by age 1.1.1: `age-keygen`, then `printf 'flight,delay\n' | age -r RECIPIENT`.
RECIPIENT = "age1x073q5fe9l40z6u4rj9k9m7k6wlyylnf4agy0my3lqpqvlqgl94sfp4mce"
IDENTITY = "AGE-SECRET-KEY-1AJVMNN35LCRVVK2FHXNHW974FK947G7A8AZPXW2HXF9USM7XTWXQWX95KQ"
MADE_BY_AGE = b64decode(
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBZWmptTE56YUJzUk5zcURMQSt4S0t3c0tGd3BwVWhPQjZnYl"
    "N4THBnT3hvCjcvTmgxSTdDbCtHSkNpbTlzZXNrcS9iQmhad2UxT21WWHBONVptWUJBUlEKLS0tIDhPTlpQMTM0NVI3"
    "bWlNUndPeG9NS2FiZUpkOWhzajh5SEZ2Yk5nTWxYd0UKkfkG+ObpQ9zC3OwiVHbPvQF6MUtzf43f5MBh0Cq4hsxZgX"
    "dQTQsPdzDbXS/l"
)
KEY, NONCE = bytes(range(16)), bytes(range(16, 32))


def sealed(plain: bytes) -> bytes:
    payload, last = Payload(KEY, NONCE), (len(plain) - 1) // CHUNK_BYTES
    cuts = [plain[at : at + CHUNK_BYTES] for at in range(0, len(plain), CHUNK_BYTES)]
    return NONCE + b"".join(payload.seal(n, cut, final=n == last) for n, cut in enumerate(cuts))


def opened(file: bytes, identity: Identity) -> bytes:
    end = file.index(b"\n", file.index(b"\n--- ") + 1) + 1
    nonce, body = file[end : end + 16], file[end + 16 :]
    payload = Payload(file_key_of(file[:end], identity), nonce)
    chunks = [body[at : at + SEALED_BYTES] for at in range(0, len(body), SEALED_BYTES)]
    return b"".join(payload.open(n, one, final=n == len(chunks) - 1) for n, one in enumerate(chunks))


def test_a_key_has_the_form_that_age_writes() -> None:
    identity = Identity.parse(f"# created: today\n# public key: {RECIPIENT}\n{IDENTITY}\n")
    assert (str(identity), identity.recipient) == (IDENTITY, RECIPIENT)
    fresh = Identity.generate()
    assert Identity.parse(str(fresh)).recipient == fresh.recipient
    assert "AGE-SECRET" not in repr(fresh)


def test_a_file_that_age_made_opens() -> None:
    assert opened(MADE_BY_AGE, Identity.parse(IDENTITY)) == b"flight,delay\n"


@pytest.mark.parametrize("length", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_age_opens_what_we_make(length, tmp_path) -> None:
    if shutil.which("age") is None:
        pytest.skip("age is not installed (Debian: age)")
    plain = bytes(n * 31 % 251 for n in range(length))
    file, key = tmp_path / "file.age", tmp_path / "key"
    body = sealed(plain)
    assert len(body) == payload_length(length)
    file.write_bytes(header_for(KEY, RECIPIENT) + body)
    key.write_text(IDENTITY + "\n")
    done = subprocess.run(["age", "-d", "-i", str(key), str(file)], capture_output=True, check=True)
    assert done.stdout == plain


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(MADE_BY_AGE) - 1), bit=st.integers(0, 7))
def test_no_single_bit_can_change_unseen(at, bit) -> None:
    changed = bytearray(MADE_BY_AGE)
    changed[at] ^= 1 << bit
    with pytest.raises((KeyDoesNotOpen, ValueError)):
        opened(bytes(changed), Identity.parse(IDENTITY))


def test_chunks_are_neither_moved_nor_cut_nor_added() -> None:
    body = sealed(bytes(2 * CHUNK_BYTES + 9))
    chunks = [body[16:][at : at + SEALED_BYTES] for at in range(0, len(body) - 16, SEALED_BYTES)]
    payload = Payload(KEY, NONCE)
    for number, chunk, final in (
        (0, chunks[1], False),
        (1, chunks[0], False),
        (1, chunks[1], True),
        (2, chunks[2], False),
        (2, chunks[2][:-1], True),
        (0, b"", False),
    ):
        with pytest.raises(KeyDoesNotOpen):
            payload.open(number, chunk, final=final)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "age1",
        RECIPIENT[:-1],
        RECIPIENT[:-1] + ("q" if RECIPIENT[-1] != "q" else "p"),
        RECIPIENT.upper()[:10] + RECIPIENT[10:],
        IDENTITY,
        "age1" + "b" * 58,
    ],
)
def test_what_is_no_recipient_is_refused(text) -> None:
    with pytest.raises(Malformed):
        check_recipient(text)


def test_a_point_that_anybody_could_open_for_is_no_recipient() -> None:
    from base.age import _to_bech32

    for point in (bytes(32), b"\x01" + bytes(31)):
        with pytest.raises(Malformed):
            check_recipient(_to_bech32("age", point))
