"""Since when an entry has what it is mounted to: the same bytes again are no newer than they were."""

from datetime import datetime

from base.db import ReadSession
from ledger.reader import statements_about
from ledger.recording import Act


async def mounted_since(s: ReadSession, act: Act, data_id: str, sha256: str | None) -> datetime:
    """When an entry was first mounted to these bytes, as the ledger has it; now, where it never was."""
    if sha256 is None:
        return act.occurred_at
    for said in await statements_about(s, object_ids=[data_id], events=["DAT.MOUNT"]):
        named = said.payload["subject"]
        if {"name": "resource", "digest": {"sha256": sha256}} in named:
            return said.occurred_at
    return act.occurred_at
