"""A scene's own log as supervision gets it: sealed, exported in both editions, derived, and asked."""

import base64
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pyarrow.parquet as pq

from cli.exporting import export_bundle
from ledger.bundle import Bundle, Edition
from ledger.sequencer import seal_all
from supervision.context import Context, Rule
from supervision.evidence.derive import derive
from supervision.evidence.facts import opened_entries
from supervision.finding import Finding
from supervision.plan import make_plan
from supervision.rule_table import in_force
from supervision.runner import carry_out
from supervision.schema import DERIVED
from tests.market.auctions.selling import published
from tests.market.trade.scene import Scene


@dataclass(frozen=True)
class Exported:
    """`public` is every byte of the public edition's entries; openings are in the regulator's alone."""

    folder: Path
    tables: dict[str, list[dict[str, Any]]]
    public: bytes
    at: Any

    def found(self, *rules: Rule) -> list[Finding]:
        plan = make_plan(Context(as_of=self.at, rules=in_force(self.at)), rules=rules)
        return carry_out(plan, self.folder).findings


async def exported(scene: Scene, folder: Path) -> Exported:
    publisher = await published(scene, folder / "log")
    node: Any = SimpleNamespace(
        publisher=publisher,
        publish=publisher.publish,
        seal=lambda: seal_all(scene.database, scene.clock),
        database=scene.database,
    )
    for edition in Edition:
        await export_bundle(node, folder / edition.value, edition)
    with Bundle(folder / Edition.REGULATOR.value) as bundle:
        derive(opened_entries(bundle.records()), folder / "evidence")
    with Bundle(folder / Edition.PUBLIC.value) as bundle:
        records = list(bundle.records())
    assert all(record.opening is None for record in records)
    said = b"\n".join(_payload(record.entry) for record in records)
    names = {path.stem for path in (folder / "evidence").glob("*.parquet")}
    tables = {name: pq.read_table(folder / "evidence" / f"{name}.parquet").to_pylist() for name in DERIVED}
    assert names == set(DERIVED)
    return Exported(folder / "evidence", tables, said, scene.clock.now())


def _payload(entry: bytes) -> bytes:
    return base64.b64decode(orjson.loads(entry)["envelope"]["payload"])
