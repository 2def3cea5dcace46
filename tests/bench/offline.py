"""What runs offline: the audit of a bundle, and the rules over evidence tables."""

import asyncio
import base64
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import duckdb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.bindings import crypto_sign_open

from base.signing import SigningKey, pre_authentication, sign_envelope
from ledger.bundle import Bundle, Edition, Keys, KeyWindow, write_bundle
from ledger.checkpoint import Checkpoint, NoteSigner, sign_checkpoint
from ledger.statement import NO_PREVIOUS, PAYLOAD_TYPE, Draft, Saying, build, envelope_bytes, sealed_entry
from ledger.tiles import ENTRIES, WIDTH, Tile
from ledger.tree import leaf_hash, root_of
from supervision.audit import audit as audit_bundle
from supervision.audit_entry import read_entry
from supervision.audit_keys import stated_public_keys
from supervision.runner import supervise as run_rules
from tests.bench.evidence import write_evidence
from tests.bench.ground import Ground
from tests.bench.measuring import ROUNDS, Broken, Measured, in_turns
from tests.ledger.long_log import write_long_log
from tests.ledger.make_bundle import VKEY

T = TypeVar("T")
_ORIGIN: Final = "bench.example/log"
_BEGAN: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
_ENTRIES: Final = 60_000
_SIGNED: Final = 50_000
_ROUNDS: Final = 9  # of a quarter of a second
_TRADES: Final = 150_000
_YEAR: Final = 1_000_000
_DAYS: Final = 400  # so many like the one after are in the year
_PREV: Final = b'"prev":"'
_SHARES_AND_HHI: Final = """
WITH sold AS (
  SELECT t.category, t.geo, COALESCE(o.controller_id, t.seller_id) AS undertaking,
    SUM(t.amount_minor)::DOUBLE AS amount
  FROM read_parquet('{0}/trades.parquet') AS t LEFT JOIN read_parquet('{0}/orgs.parquet') AS o
    ON o.org_id = t.seller_id
  WHERE epoch_us(t.agreed_at) > epoch_us(TIMESTAMP '{1}' - INTERVAL 12 MONTH) GROUP BY ALL
), shares AS (
  SELECT *, 100 * amount / SUM(amount) OVER (PARTITION BY category, geo) AS share FROM sold
)
SELECT category, geo, SUM(share * share) AS hhi FROM shares GROUP BY ALL ORDER BY ALL
"""


async def audit(ground: Ground) -> Measured:
    """The audit without party signatures, against hashing, chaining and rooting the same bytes."""
    size = ground.budget.size(_ENTRIES, least=2_000, most=1_000_000)
    ground.say(f"writing a bundle of {size:,} entries")
    signer = NoteSigner(_ORIGIN, SigningKey.generate())
    bundle = ground.folder / "bundle"
    root = await asyncio.to_thread(_write_bundle, bundle, size, signer)

    async def ours() -> float:
        began = _processor_s()
        report = await asyncio.to_thread(audit_bundle, bundle, [signer.vkey], signatures=False)
        taken = _processor_s() - began
        if report.problems or report.entries != size or report.root != root.hex():
            raise Broken(f"the audit of an honest bundle found {report.problems[:1] or report.entries}")
        return taken

    async def bare() -> float:
        began = _processor_s()
        found = await asyncio.to_thread(_bare_audit, bundle, size)
        taken = _processor_s() - began
        if found != root:
            raise Broken("the bare loop came to another root")
        return taken

    unit = f"s of processor time, {size:,} entries, checkpoint signatures only"
    return Measured(*await in_turns(ours, bare, rounds=_ROUNDS), unit)


async def audit_signed(ground: Ground) -> Measured:
    """The audit with every party signature, against as many bare verifications, both on all cores."""
    size = ground.budget.size(_SIGNED, least=2_000, most=1_000_000)
    ground.say(f"writing a bundle of {size:,} signed entries")
    bundle = ground.folder / "signed"
    root = await asyncio.to_thread(write_long_log, bundle, size, edition=Edition.PUBLIC)
    jobs = await asyncio.to_thread(_signatures, bundle)
    waited: list[float] = []

    async def ours() -> float:
        began, at = _processor_s(), time.perf_counter()
        report = await asyncio.to_thread(audit_bundle, bundle, [VKEY])
        taken = _processor_s() - began
        waited.append(time.perf_counter() - at)
        if report.problems or report.root != root.hex() or report.signatures != len(jobs):
            raise Broken(f"the audit of an honest bundle found {report.problems[:1] or report.signatures}")
        return taken

    async def bare() -> float:
        began, at = _processor_s(), time.perf_counter()
        good = await asyncio.to_thread(_bare_verification, jobs)
        taken = _processor_s() - began
        waited.append(time.perf_counter() - at)
        if good != len(jobs):
            raise Broken("a bare verification failed")
        return taken

    measured = await in_turns(ours, bare)
    sodium = await asyncio.to_thread(_bare_libsodium, jobs)
    clocks = {"ours": round(min(waited[::2]), 2), "floor": round(min(waited[1::2]), 2)}
    beside = {
        "name": "audit_signed_wall",
        **clocks,
        "unit": f"s by the clock, {os.cpu_count()} cores, the best",
    }
    harder = {
        "name": "audit_signed_libsodium",
        "ours": round(measured[0], 3),
        "floor": round(sodium, 3),
        "ratio": round(measured[0] / sodium, 2),
        "unit": "the same against as many bare verifications by libsodium",
    }
    unit = f"s of processor time, {size:,} entries, {len(jobs):,} signatures"
    return Measured(*measured, unit, (harder, beside))


def _processor_s() -> float:
    """Seconds of processor time of this process and of those it waited for: what else runs does not count."""
    mine, theirs = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def _signatures(bundle: Path) -> list[tuple[Ed25519PublicKey, bytes, bytes]]:
    """Key, message and signature of every party signature in a bundle."""
    keys: dict[str, Ed25519PublicKey] = {}
    found = []
    with Bundle(bundle) as opened:
        for record in opened.records():
            said = read_entry(record.entry)
            for keyid, public in stated_public_keys(said).items():
                keys.setdefault(keyid, Ed25519PublicKey.from_public_bytes(public))
            message = pre_authentication(PAYLOAD_TYPE, said.payload)
            found += [(keys[one.keyid], message, one.sig) for one in said.signatures]
    return found


def _bare_verification(jobs: list[tuple[Ed25519PublicKey, bytes, bytes]]) -> int:
    """Verify with `cryptography` and do nothing else."""

    def verify(part: list[tuple[Ed25519PublicKey, bytes, bytes]]) -> int:
        for key, message, sig in part:
            key.verify(sig, message)
        return len(part)

    return _on_all_cores(verify, jobs)


def _bare_libsodium(jobs: list[tuple[Ed25519PublicKey, bytes, bytes]]) -> float:
    """Seconds of processor time of the same by libsodium: a floor that what we use ourselves sets."""

    def verify(part: list[tuple[bytes, bytes]]) -> int:
        for public, signed in part:
            crypto_sign_open(signed, public)
        return len(part)

    raw = [(key.public_bytes_raw(), sig + message) for key, message, sig in jobs]
    taken = []
    for _ in range(ROUNDS):
        began = _processor_s()
        if _on_all_cores(verify, raw) != len(raw):
            raise Broken("a bare verification failed")
        taken.append(_processor_s() - began)
    return sorted(taken)[ROUNDS // 2]


def _on_all_cores(do: Callable[[list[T]], int], jobs: list[T]) -> int:
    """In as many threads as there are cores: verifying runs outside the interpreter's lock."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(do, [jobs[at : at + 256] for at in range(0, len(jobs), 256)]))


def _write_bundle(out: Path, size: int, signer: NoteSigner) -> bytes:
    entries = list(_entries(size, signer))
    leaves = [leaf_hash(entry) for entry in entries]
    root = root_of(leaves)
    return write_bundle(
        out,
        ((seq, entry, None) for seq, entry in enumerate(entries)),
        checkpoint=sign_checkpoint(Checkpoint(_ORIGIN, size, root), signer),
        keys=Keys(_ORIGIN, (KeyWindow(signer.vkey),)),
        signer=signer,
        edition=Edition.PUBLIC,
    )


def _entries(size: int, signer: NoteSigner) -> Iterator[bytes]:
    """Entries of the usual length: a settlement's statement, under other ids, linked and numbered.

    Only entry 0 is read by an audit that leaves statements out: it names the log's key.
    """
    saying = Saying("org_exchange", "EXCHANGE_OPERATOR", _BEGAN, simulated=True, custodial=False)
    names = {f"{part}_id": f"{part}_{'0' * 26}" for part in ("trade", "seller", "buyer", "listing")}
    draft = Draft("TRD.SETTLE", "trd_" + "0" * 26, public=names, opening={"amount_minor": "68000000"})
    payload = build(draft, saying, "0" * 64).payload
    envelope = envelope_bytes(sign_envelope(PAYLOAD_TYPE, payload, SigningKey.generate()))
    head, mark, tail = envelope.partition(b'"sig":"')
    previous = NO_PREVIOUS
    for seq in range(size):
        unlike = head + mark + b"%08d" % seq + tail[8:] if seq else _genesis(saying, signer)
        at = _BEGAN + timedelta(milliseconds=seq)
        entry = sealed_entry(seq=seq, prev=previous, at=at, node=_ORIGIN, envelope=unlike)
        previous = leaf_hash(entry).hex()
        yield entry


def _genesis(saying: Saying, signer: NoteSigner) -> bytes:
    key = SigningKey.generate()
    stated = {"keyid": key.keyid, "public_key": base64.b64encode(key.public).decode()}
    said = {"origin": _ORIGIN, "vkey": str(signer.vkey), "operator_id": saying.actor, "exchange_key": stated}
    payload = build(Draft("LOG.GENESIS", "log", public=said), saying, "0" * 64).payload
    return envelope_bytes(sign_envelope(PAYLOAD_TYPE, payload, key))


def _bare_audit(bundle: Path, size: int) -> bytes:
    """The root, after hashing every entry, following the chain and hashing up the tree: nothing else."""
    previous = NO_PREVIOUS.encode()
    row: list[bytes] = []
    for number in range((size + WIDTH - 1) // WIDTH):
        data = (bundle / Tile(ENTRIES, number, min(WIDTH, size - number * WIDTH)).path).read_bytes()
        at = 0
        while at < len(data):
            begin = at + 2
            at = begin + int.from_bytes(data[at:begin])
            entry = data[begin:at]
            link = entry.rfind(_PREV) + len(_PREV)
            if entry[link : link + 64] != previous:
                raise Broken("the chain does not hold")
            leaf = sha256(b"\x00" + entry).digest()
            previous = leaf.hex().encode()
            row.append(leaf)
    while len(row) > 1:
        last = [row[-1]] if len(row) % 2 else []
        row = [sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row) - 1, 2)] + last
    return row[0]


async def supervise(ground: Ground) -> Measured:
    """Every rule over generated evidence, against the shares and HHI of the same Parquet files.

    Both in processor time: a run of the rules is long, and others use the machine.
    """
    trades = ground.budget.size(_TRADES, least=5_000, most=10_000_000)
    ground.say(f"writing evidence of {trades:,} trades")
    folder = ground.folder / "evidence"
    as_of = await asyncio.to_thread(write_evidence, folder, trades)
    query = _SHARES_AND_HHI.format(folder, as_of.replace(tzinfo=None))
    markets: list[Any] = []

    async def ours() -> float:
        began = time.process_time()
        result = await asyncio.to_thread(run_rules, folder, as_of=as_of)
        taken = time.process_time() - began
        if result.rules_off:
            raise Broken(f"a rule did not run: {result.rules_off[0]}")
        markets.append(len(result.statistics["markets"]))
        return taken

    async def floor() -> float:
        with duckdb.connect(config={"threads": 2, "memory_limit": "512MB"}) as connection:
            began = time.process_time()
            rows = await asyncio.to_thread(lambda: connection.execute(query).fetchall())
            taken = time.process_time() - began
        markets.append(len(rows))
        return taken

    await ours()  # writes the queries once, as a service that stays up does
    rates = await in_turns(ours, floor)
    if len(set(markets)) != 1:
        raise Broken(f"ours and the floor saw other markets: {sorted(set(markets))}")
    return Measured(
        *rates, f"s of processor time, all rules over {trades:,} trades against shares and HHI alone"
    )


async def supervise_day(ground: Ground) -> Measured:
    """A day after a year of trades, with what the year's run kept, against the same day without it.

    Both in processor time, and byte for byte the same report.
    """
    trades = ground.budget.size(_YEAR, least=5_000, most=10_000_000)
    ground.say(f"writing evidence of {trades:,} trades and a day")
    year, day, state = (ground.folder / name for name in ("year", "day", "state"))
    as_of = await asyncio.to_thread(write_evidence, year, trades)
    await asyncio.to_thread(run_rules, year, as_of=as_of, state=state)
    as_of = await asyncio.to_thread(write_evidence, day, trades, on_the_day_after=trades // _DAYS)
    reports: set[bytes] = set()

    async def run(state: Path | None) -> float:
        began = time.process_time()
        result = await asyncio.to_thread(run_rules, day, as_of=as_of, state=state)
        taken = time.process_time() - began
        reports.add(result.encoded())
        return taken

    async def ours() -> float:
        with TemporaryDirectory(dir=ground.folder) as again:
            kept = Path(shutil.copytree(state, Path(again) / "state"))
            return await run(kept)

    async def floor() -> float:
        return await run(None)

    await floor()  # writes the queries once, as a service that stays up does
    rates = await in_turns(ours, floor)
    if len(reports) != 1:
        raise Broken("a state changed the report")
    return Measured(*rates, f"s of processor time, a day after {trades:,} trades with a state and without")
