"""What the demo leaves behind: the bundle, its audit, evidence, findings, and what each party takes home.

The offline commands run as processes of their own, as a stranger would run them.
"""

import asyncio
import base64
import json
import resource
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from base.clock import rfc3339
from brokers.repository import certificates_of
from cli.demo.persona import Persona
from cli.demo.story import Story
from cli.demo.world import PASSWORD, World
from cli.exporting import export_bundle
from ledger import reader
from ledger.bundle import Edition
from ledger.checkpoint import Receipt
from market.settlement import repository
from supervision.report import load_report
from web.supervising import ANALYSIS

_KIB: Final = 1024
_ACCOUNT_FROM: Final = "2025-01-01"
_ONE_EACH: Final = frozenset({"TRD.SIGN", "TRD.OFFER", "TRD.COUNTER_OFFER"})


@dataclass(frozen=True, slots=True)
class Audited:
    """What the offline auditor said."""

    clean: bool
    text: str


async def seal(world: World) -> int:
    """Seal and publish everything; returns the size of the log."""
    await world.node.seal()
    await world.node.publish()
    async with world.node.database.read() as s:
        return (await reader.tree_head(s)).size


async def with_seqs(world: World, story: Story) -> None:
    """Give each step the numbers of the entries that state it, now that all are sealed; each once."""
    taken: set[int] = set()
    async with world.node.database.read() as s:
        for step in story.steps:
            about = list(await reader.statements_of(s, object_id=step["object"]))
            if "DLV.DOWNLOAD" in step["events"]:
                about += await reader.statements_of(s, object_id=story.ids["entitlement"])
            step["seqs"] = []
            for said in about:
                fits = said.event in step["events"] and rfc3339(said.occurred_at) == step["at"]
                if fits and said.seq is not None and said.seq not in taken:
                    taken.add(said.seq)
                    step["seqs"].append(said.seq)
                    if said.event in _ONE_EACH:
                        break


async def write_bundle(world: World, out: Path) -> None:
    """The regulator's edition of the log."""
    await asyncio.to_thread(shutil.rmtree, out / "bundle", ignore_errors=True)
    await export_bundle(world.node, out / "bundle", Edition.REGULATOR)


async def audited(world: World, out: Path) -> Audited:
    """Audit the bundle offline, pinned to the log's key."""
    vkey = str(world.node.publisher.signer.vkey)
    code, text = await _command("audit", str(out / "bundle"), "--vkey", vkey)
    return Audited(code == 0, text)


async def state_account(out: Path, party: Persona) -> None:
    """A party has its account stated and signed for: as CSV, and as the document that was signed."""
    path = f"/organisations/me/statement?from={_ACCOUNT_FROM}"
    document = (await party.get(path))["document"]
    signed = await party.post("/organisations/me/statement", {"from": document["from"], "to": document["to"]})
    (out / "statement.csv").write_bytes(await party.fetch(f"{path}&format=csv"))
    (out / "statement.json").write_text(signed["document"], encoding="utf-8")


async def checked_account(out: Path) -> str:
    """What `databourse account` says of that statement, against the bundle."""
    code, text = await _command("account", str(out / "statement.json"), str(out / "bundle"))
    if code:
        raise RuntimeError(f"the statement of account is not what the log says: {text}")
    return text.strip()


async def supervised(world: World, out: Path) -> dict[str, Any]:
    """Derive the evidence, run every rule, and return the report."""
    evidence, findings = out / "evidence", out / "findings.json"
    await asyncio.to_thread(shutil.rmtree, evidence, ignore_errors=True)
    code, text = await _command("evidence", str(out / "bundle"), "--out", str(evidence))
    if code:
        raise RuntimeError(text)
    as_of = rfc3339(world.clock.now())
    code, text = await _command("supervise", str(evidence), "--out", str(findings), "--as-of", as_of)
    if code:
        raise RuntimeError(text)
    analysis = out / ANALYSIS
    code, text = await _command("analyse", str(evidence), "--out", str(analysis), "--as-of", as_of)
    if code:
        raise RuntimeError(text)
    shown = world.node.settings.data_dir / "supervision"
    shown.mkdir(exist_ok=True)
    for found in (findings, analysis):
        shutil.copy(found, shown / found.name)
    report: dict[str, Any] = json.loads(findings.read_bytes())
    return report


def touching(out: Path, story: Story, parties: Sequence[Persona]) -> tuple[int, int]:
    """How many findings speak of the clean trade, and how many of a party of it."""
    report = load_report(out / "findings.json")
    of_parties = set()
    for party in parties:
        of_parties |= {finding.finding_id for finding in report.touching(org_id=party.member.org_id)}
    return len(report.touching(object_id=story.ids["trade"])), len(of_parties)


async def write_provenance(out: Path, story: Story) -> None:
    """The history of the traded product, told from the bundle alone in both foreign forms."""
    for form, name in (("prov", "provenance.prov.json"), ("openlineage", "lineage.openlineage.json")):
        listing = ("--listing", story.ids["listing"], "--format", form, "--out", str(out / name))
        code, text = await _command("provenance", str(out / "bundle"), *listing)
        if code:
            raise RuntimeError(text)


async def take_home(world: World, out: Path, story: Story, buyer: Persona) -> None:
    """What a party of the trade takes away: receipt, contract, quality report, the bank's messages."""
    trade_id = story.ids["trade"]
    contract = await buyer.get(f"/trades/{trade_id}/contract.dsse.json")
    (out / "contract.dsse.json").write_bytes(orjson.dumps(contract, option=orjson.OPT_INDENT_2))
    for name, part in (
        ("contract.pdf", "contract.pdf?lang=zh"),
        ("contract.en.pdf", "contract.pdf?lang=en"),
        ("policy.odrl.jsonld", "policy.odrl.jsonld"),
    ):
        (out / name).write_bytes(await buyer.fetch(f"/trades/{trade_id}/{part}"))
    certificate = await buyer.get(f"/trade-certificates/{story.ids['trade_certificate']}")
    (out / "trade-certificate.json").write_bytes(orjson.dumps(certificate, option=orjson.OPT_INDENT_2))
    (out / "filing.json").write_bytes(await buyer.fetch(f"/trades/{trade_id}/filing.json"))
    quality = await buyer.get(f"/listings/{story.ids['listing']}/quality")
    (out / "quality-report.json").write_bytes(orjson.dumps(quality["report"], option=orjson.OPT_INDENT_2))
    async with world.node.database.read() as s:
        settled = [
            one for one in await reader.statements_of(s, object_id=trade_id) if one.event == "TRD.SETTLE"
        ]
        seq = settled[-1].seq
        kept = await reader.checkpoint(s)
        assert seq is not None
        assert kept is not None
        path = await reader.proof(s, seq=seq, size=kept.size)
        entry = await reader.entry(s, seq=seq)
        instruction = (await repository.instructions_of(s, trade_id=trade_id))[-1]
        movements = await repository.movements_of(s, trade_id=trade_id)
        message = await repository.get_message(s, message_id=movements[-1].message_id)
    receipt = Receipt(seq, tuple(path), kept.note.encode()).text()
    (out / "receipt.tlog-proof").write_bytes(receipt)
    (out / "receipt.entry.json").write_bytes(entry.entry)
    (out / "pain001.xml").write_bytes(instruction.xml)
    assert message is not None
    (out / "camt054.xml").write_bytes(_payload(message.envelope))


async def write_credential(world: World, out: Path, broker: Persona) -> str:
    """The broker's credential and its status list, as anybody fetches them, and what a verifier says."""
    now = world.clock.now()
    async with world.node.database.read() as s:
        (certificate,) = await certificates_of(s, org_id=broker.member.org_id)
    credential = await broker.fetch(f"/brokers/{certificate.cert_no}/credential")
    named = orjson.loads(credential)["credentialStatus"][0]["statusListCredential"]
    status_list = (await broker.http.get(named)).raise_for_status().content
    particulars = (await broker.http.get("/.well-known/databourse")).raise_for_status().content
    for name, raw in (
        ("credential.json", credential),
        ("status-list.json", status_list),
        ("well-known.json", particulars),
    ):
        (out / name).write_bytes(raw)
    asked = ("--status", str(out / "status-list.json"), "--well-known", str(out / "well-known.json"))
    code, text = await _command(
        "credential", "verify", str(out / "credential.json"), *asked, "--at", rfc3339(now)
    )
    if code:
        raise RuntimeError(f"the broker's credential does not hold: {text}")
    return text.strip()


def _payload(envelope: bytes) -> bytes:
    return base64.b64decode(orjson.loads(envelope)["payload"])


def write_summary(world: World, out: Path, story: Story, more: dict[str, Any]) -> None:
    """`demo.json`: the steps with their seqs, the ids, and everybody's sign-in."""
    sign_ins = {
        login: {"organisation": member.name, "password": PASSWORD, "roles": sorted(member.roles)}
        for member in world.members.values()
        if member.login is not None
        for login in (member.login, *member.colleagues)
    }
    summary = {
        "origin": world.node.settings.origin,
        "vkey": str(world.node.publisher.signer.vkey),
        "clock": "simulated",
        "steps": story.steps,
        "ids": story.ids,
        "sign_ins": sign_ins,
        **more,
    }
    (out / "demo.json").write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))


def memory_mib() -> tuple[int, int]:
    """(peak of this process, peak of its largest child) in MiB."""
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return _own_kib("VmHWM:") // _KIB, child // _KIB


def serving_mib() -> int:
    """What this process, which serves, holds now, in MiB (Linux; elsewhere its peak)."""
    return _own_kib("VmRSS:") // _KIB


def _own_kib(name: str) -> int:
    """A figure of the system's for this process; elsewhere its peak, in which that of who began it counts."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def _command(*arguments: str) -> tuple[int, str]:
    """Run `databourse` with arguments as a process of its own."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from cli.main import app; app()",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    text, _ = await child.communicate()
    return child.returncode or 0, text.decode()
