"""What has had its time on a running node is forgotten: every few minutes, whatever else goes on."""

import asyncio
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from base.clock import Clock
from base.db import Database
from base.files import FileStore
from base.idempotency import forget
from cases.incidents.clockwork import begin_watch
from identity.sign_in import forget_expired
from market.listings.uploads import forget_uploads
from registry.lists.files import forget_list_files

ANSWERS_KEPT: Final = timedelta(days=7)
UPLOADS_KEPT: Final = timedelta(days=7)  # that no listing was drafted of, and no list read
ABANDONED_AFTER_S: Final = 3600.0


async def tidy(database: Database, clock: Clock, files: FileStore, scratch: Path) -> None:
    """Forget what has had its time: tokens, answers, uploads that came to nothing, leftovers of a crash.

    The watch over the signals begins here where it has not.
    """
    async with database.write() as s:
        await begin_watch(s, now=clock.now())
        await forget_expired(s, now=clock.now())
        await forget(s, before=clock.now() - ANSWERS_KEPT)
        gone = await forget_uploads(s, before=clock.now() - UPLOADS_KEPT)
        mine = await forget_list_files(s, before=clock.now() - UPLOADS_KEPT)
    for file_id in (*gone, *mine):
        await files.delete(file_id)
    await files.remove_abandoned()
    await asyncio.to_thread(_empty, scratch)


def _empty(folder: Path) -> None:
    """Remove what has stood in the scratch folder for longer than any measurement takes."""
    before = time.time() - ABANDONED_AFTER_S
    for left in folder.iterdir():
        if left.stat().st_mtime < before:
            shutil.rmtree(left, ignore_errors=True)
