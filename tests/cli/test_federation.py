"""One province, three cities, a regulator, each a process of its own: cut off, killed, put back, audited."""

import json
import random
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from ledger.bundle import Bundle
from ledger.checkpoint import Receipt, open_checkpoint
from ledger.errors import NoteInvalid, ProofInvalid
from ledger.witness_receipt import FederatedReceipt, verify_federated
from supervision.audit import audit
from tests.cli.federation import Federation, Member, predicate, until


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation.build(tmp_path, cities=3)
    yield made
    made.close()


def federated(city: Member, seq: int) -> bytes:
    """The receipt that leads to the province, as soon as there is one."""
    path = f"/api/v1/ledger/entries/{seq}/federated"
    answer = until(lambda: (a := city.get(path)).status_code == 200 and a, what="the province's proof")
    return bytes(answer.content)


def audited(federation: Federation, member: Member, folder: Path) -> set[str]:
    """Export and audit one log, pinned; the organisations that it says were admitted."""
    bundle = folder / f"bundle {member.name}"
    shutil.rmtree(bundle, ignore_errors=True)
    assert member.command("export", "--out", str(bundle)).wait() == 0, member.log
    report = audit(bundle, [member.vkey])
    assert not report.problems, report.problems
    assert report.cosignatures >= 2
    assert not report.warnings
    with Bundle(bundle) as opened:
        said = [predicate(record.entry) for record in opened.records()]
    return {one["org_id"] for one in said if one["event"] == "ORG.ADMIT"}


def refuses(city: Member, bundle: Path) -> None:
    """A city with an old database neither sequences, nor serves beside a sequencer, nor exports."""
    assert "log-forked" in city.refuses_to_start()
    assert "log-forked" in city.refuses_to_start("--no-sequencer")
    assert city.command("export", "--out", str(bundle)).wait() == 2
    assert not bundle.exists()


def test_a_province_and_its_cities_cut_off_killed_put_back_and_audited(
    federation: Federation, tmp_path: Path
) -> None:
    one, two, three = federation.cities
    province = federation.province
    federation.start()
    for city in federation.cities:
        city.admit()
    federation.caught_up()

    # a city's receipt carries the province's proof
    receipt = federated(one, 1)
    shown = verify_federated(receipt, [one.vkey], [province.vkey, federation.regulator.witness_vkey])
    assert (shown.index, shown.city.checkpoint.origin) == (1, one.origin)
    assert shown.province.checkpoint.origin == province.origin
    check_offline(federation, one, receipt, tmp_path)

    # an old backup of one city, and another city that is cut off and goes on
    two.save(tmp_path / "old.db")
    two.admit()
    federation.cables[0].cut()
    one.admit()
    size = one.sealed()
    until(lambda: one.witnessing()["witnessed"] is False, what="the cut to be noticed")
    until(lambda: one.witnessing()["published"] == size, what="publication without the province")
    said = one.get(f"/api/v1/ledger/entries/{size - 1}/receipt")
    assert said.headers["databourse-witnessed"] == "unwitnessed"
    assert "unwitnessed.tlog-proof" in said.headers["content-disposition"]
    assert one.get("/api/v1/ledger/entries/0/receipt").headers["databourse-witnessed"] == "witnessed"
    assert one.get(f"/api/v1/ledger/entries/{size - 1}/federated").status_code == 503
    assert one.witnessing()["lag"] > 0

    # the province dies in the middle of it, and a city with it
    province.kill()
    for city in (two, three):
        city.admit()
        city.sealed()
    until(lambda: three.witnessing()["witnessed"] is False, what="the province to be missed")
    three.kill()
    three.start()  # nobody above answers: it goes on from its own file, and the regulator's word
    three.admit()

    # everything catches up
    federation.cables[0].mend()
    province.start()
    federation.caught_up()
    assert one.witnessing()["lag"] == 0
    verify_federated(federated(one, size - 1), [one.vkey], [province.vkey])

    # the old backup must not go on, whether its folder came back with it or not
    two.kill()
    two.save(tmp_path / "true.db")
    shutil.move(two.folder / "log", tmp_path / "true log")
    two.restore(tmp_path / "old.db")
    refuses(two, tmp_path / "forked")
    two.restore(tmp_path / "true.db")
    two.start()
    two.admit()
    federation.caught_up()

    for member in federation.exchanges:
        assert set(member.admitted) <= audited(federation, member, tmp_path)
    for member in (*federation.exchanges, federation.regulator):
        member.kill(signal.SIGTERM)


def check_offline(federation: Federation, city: Member, receipt: bytes, folder: Path) -> None:
    """The command line checks it, and whatever was changed in it is found."""
    file = folder / "receipt.json"
    file.write_bytes(receipt)
    pins = ["--vkey", str(city.vkey), "--province-vkey", str(federation.province.vkey)]
    checked = CliRunner().invoke(app, ["receipt", str(file), *pins])
    assert checked.exit_code == 0, checked.stderr
    assert city.origin in checked.stdout
    assert federation.province.origin in checked.stdout
    parts = FederatedReceipt.parse(receipt)
    other = FederatedReceipt(parts.entry, parts.receipt, parts.entry, parts.receipt)
    with pytest.raises((NoteInvalid, ProofInvalid)):
        verify_federated(other.text(), [city.vkey], [federation.province.vkey])
    with pytest.raises(ProofInvalid):
        verify_federated(other.text(), [city.vkey], [city.vkey])
    with pytest.raises(NoteInvalid):
        verify_federated(receipt, [federation.province.vkey], [federation.province.vkey])
    whole = verify_federated(receipt, [city.vkey], [federation.province.vkey])
    dice = random.Random(20261122)
    for name in ("entry", "receipt", "province_entry", "province_receipt"):
        for _ in range(40):
            document = json.loads(receipt)
            text = document[name]
            at = dice.randrange(len(text))
            document[name] = (
                text[:at] + dice.choice([c for c in "ABCxyz019+/=" if c != text[at]]) + text[at + 1 :]
            )
            changed = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
            try:
                shown = verify_federated(changed, [city.vkey], [federation.province.vkey])
            except (NoteInvalid, ProofInvalid):
                continue
            # the one thing nobody vouches for: the signature line of a witness that was not pinned
            assert name == "province_receipt"
            assert shown.province.checkpoint == whole.province.checkpoint
    # by policy: the regulator and the province must have cosigned the city
    policy = federation.cities[0].folder / "policy"
    note = Receipt.parse(parts.receipt).checkpoint
    found = open_checkpoint(note, [city.vkey, federation.province.witness_vkey])
    assert [one.key for one in found.cosigned] == [federation.province.witness_vkey]
    strict = CliRunner().invoke(app, ["receipt", str(file), *pins, "--policy", str(policy)])
    assert strict.exit_code == 1
    assert "unwitnessed" in strict.stderr


@pytest.mark.soak
@pytest.mark.parametrize("seed", [20261122, 7, 1024])
def test_whatever_is_cut_and_killed_and_put_back_every_log_is_one_log(
    federation: Federation, tmp_path: Path, seed: int
) -> None:
    """The dice decide what happens; at the end all is mended, and every log is audited with its witnesses."""
    dice = random.Random(seed)
    federation.start()
    fate = Fate(federation, dice, tmp_path)
    for _ in range(60):
        getattr(
            fate, dice.choice(["admit", "admit", "admit", "cut", "mend", "kill", "kill_above", "put_back"])
        )()
    for cable in federation.cables:
        cable.mend()
    federation.caught_up()
    for member in federation.exchanges:
        assert set(member.admitted) <= audited(federation, member, tmp_path)
    for city in federation.cities:
        size = city.sealed()
        verify_federated(federated(city, size - 1), [city.vkey], [federation.province.vkey])


@dataclass
class Fate:
    """What the dice may let happen."""

    federation: Federation
    dice: random.Random
    folder: Path
    turn: int = 0

    @property
    def city(self) -> Member:
        return self.dice.choice(self.federation.cities)

    def admit(self) -> None:
        city = self.city
        for _ in range(self.dice.randint(1, 4)):
            city.admit()

    def cut(self) -> None:
        self.dice.choice(self.federation.cables).cut()

    def mend(self) -> None:
        self.dice.choice(self.federation.cables).mend()

    def kill(self) -> None:
        city = self.city
        city.kill()
        city.start()

    def kill_above(self) -> None:
        above = self.dice.choice([self.federation.province, self.federation.regulator])
        above.kill()
        above.start(*(["--witness-only"] if above is self.federation.regulator else []))

    def put_back(self) -> None:
        """An old backup in a city's place, with or without its folder: refused; then the true one again."""
        city = self.city
        self.turn += 1
        old, true = self.folder / f"old {self.turn}.db", self.folder / f"true {self.turn}.db"
        city.save(old)
        city.admit()
        self.federation.cables[self.federation.cities.index(city)].mend()
        self.federation.caught_up(city)
        city.kill()
        city.save(true)
        if self.dice.random() < 1 / 2:
            shutil.rmtree(city.folder / "log")
        city.restore(old)
        assert "log-forked" in city.refuses_to_start()
        city.restore(true)
        city.start()
