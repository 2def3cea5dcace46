"""A member with an SM2 key in a file of its own: registered and signing, by `databourse keys` and `sign`."""

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
import typer
from typer.testing import CliRunner

from base.errors import Malformed
from base.signing import Signature, SigningKey, parse_envelope
from cli.keys import app as keys_app
from cli.keys import read_key_file, write_key_file
from cli.sign import sign
from identity.errors import SignatureInvalid
from identity.keys import register_key, revoke_key
from identity.prepared import Call, carry_out, submit
from identity.repository import get_key
from ledger.recording import record
from ledger.statement import Draft
from ledger.suites import PrivateKey
from tests.houses import make_house
from tests.identity.unmoved import refused, statements

pytest.importorskip("gmssl_pyx")
signing = typer.Typer()
signing.command()(sign)
run = CliRunner()


@pytest.fixture
async def house(database, clock):
    return await make_house(database, clock)


@pytest.fixture
def chinese(tmp_path: Path) -> PrivateKey:
    answer = run.invoke(keys_app, ["new", "--out", str(tmp_path / "sm2.key"), "--suite", "sm2-sm3"])
    assert answer.exit_code == 0, answer.output
    assert answer.output.endswith("suite       sm2-sm3\n")
    return read_key_file(tmp_path / "sm2.key")


def public_text(key: PrivateKey) -> str:
    return base64.b64encode(key.public).decode()


class Desk:
    """One member at the exchange: acts are prepared, signed by the command with its key files, submitted."""

    def __init__(self, house, party, folder: Path) -> None:
        self.house, self.party, self.folder = house, party, folder

    async def act(self, event: str, verb, *files: str, object_id: str = "x", hand_in=None):
        call = Call(self.party.actor, "PROVIDER", "verb", {}, event, object_id)
        prepared = await carry_out(self.house.house, self.house.safe, call, verb)
        (self.folder / "act.json").write_bytes(orjson.dumps(prepared.document()))
        keys = [word for file in files for word in ("--key", str(self.folder / file))]
        answer = run.invoke(signing, [str(self.folder / "act.json"), "--yes", *keys])
        assert answer.exit_code == 0, answer.output
        envelope = parse_envelope(orjson.loads((self.folder / "act.dsse.json").read_bytes()))

        async def handed_in(made):
            return await submit(
                self.house.house,
                self.house.safe,
                prepared_id=prepared.prepared_id,
                envelope=made,
                lookup=lambda *_: verb,
                actor=self.party.actor,
            )

        return await (handed_in(envelope) if hand_in is None else hand_in(handed_in, envelope))

    async def register(self, key: PrivateKey, *files: str, **how):
        async def verb(s, act):
            return await register_key(
                s,
                act,
                safe=self.house.safe,
                org_id=self.party.org_id,
                custody="self-held",
                public_key=public_text(key),
            )

        return await self.act("KEY.REGISTER", verb, *files, **how)


async def draft(s, act):
    return await record(s, act, Draft("TST.NOTED", act.new_id("off"), public={}))


async def test_a_member_moves_to_an_sm2_key_and_signs_with_it(
    house, database, clock, chinese, tmp_path
) -> None:
    seller = await house.admit("国密甲", {"PROVIDER"})
    write_key_file(tmp_path / "old.key", seller.key)
    desk = Desk(house, seller, tmp_path)
    clock.advance(timedelta(days=1))
    registered = await desk.register(chinese, "sm2.key", "old.key")
    assert (registered.keyid, registered.public) == (chinese.keyid, chinese.public)
    said = (await statements(database, "KEY.REGISTER"))[-1]
    assert said["predicate"]["suite"] == "sm2-sm3"
    assert said["predicate"]["public_key"] == public_text(chinese)
    assert said["signers"] == [chinese.keyid, seller.key.keyid]

    async def revoke(s, act):
        return await revoke_key(s, act, key_id=seller.registered.key_id, reason="superseded")

    await desk.act("KEY.REVOKE", revoke, "sm2.key")
    await desk.act("TST.NOTED", draft, "sm2.key")
    assert (await statements(database))[-1]["signers"] == [chinese.keyid]


async def test_possession_of_an_sm2_key_has_to_be_proved(house, database, chinese, tmp_path) -> None:
    seller = await house.admit("国密乙", {"PROVIDER"})
    write_key_file(tmp_path / "old.key", seller.key)
    desk = Desk(house, seller, tmp_path)

    async def bent(handed_in, envelope):
        first, *rest = envelope.signatures
        raw = bytes([first.sig[0] ^ 1]) + first.sig[1:]
        forged = (Signature(first.keyid, raw), *rest)
        async with refused(database, SignatureInvalid):
            await handed_in(replace(envelope, signatures=forged))

    await desk.register(chinese, "sm2.key", "old.key", hand_in=bent)
    async with database.read() as s:
        assert await get_key(s, keyid=chinese.keyid) is None


async def test_a_point_off_the_curve_is_not_registered(house, database, chinese, tmp_path) -> None:
    seller = await house.admit("国密丙", {"PROVIDER"})
    off = chinese.public[:-1] + bytes([chinese.public[-1] ^ 1])
    for public in (off, chinese.public[1:], b"\x02" + chinese.public[1:33]):
        with pytest.raises(Malformed):
            await seller.do(
                register_key,
                safe=house.safe,
                org_id=seller.org_id,
                custody="self-held",
                public_key=base64.b64encode(public).decode(),
            )


def test_a_key_file_with_a_passphrase_and_a_file_of_another_pair(chinese, tmp_path) -> None:
    sealed = tmp_path / "sealed.key"
    answer = run.invoke(
        keys_app,
        ["new", "--out", str(sealed), "--suite", "sm2-sm3", "--passphrase"],
        input="open sesame\nopen sesame\n",
    )
    assert answer.exit_code == 0, answer.output
    document = orjson.loads(sealed.read_bytes())
    assert read_key_file(sealed, passphrase="open sesame").keyid == document["keyid"]
    mixed = orjson.loads((tmp_path / "sm2.key").read_bytes())
    other = SigningKey.generate()
    for change in (
        {"private_key": document["sealed_private_key"]},
        {"public_key": base64.b64encode(other.public).decode()},
        {"public_key": document["public_key"], "keyid": document["keyid"]},
    ):
        (tmp_path / "mixed.key").write_bytes(orjson.dumps({**mixed, **change}))
        with pytest.raises(Malformed):
            read_key_file(tmp_path / "mixed.key")
    answer = run.invoke(keys_app, ["new", "--out", str(tmp_path / "x.key"), "--suite", "rsa"])
    assert (answer.exit_code, "unknown suite" in answer.output) == (2, True)
    assert not (tmp_path / "x.key").exists()
