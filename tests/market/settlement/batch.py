"""A batch writer for scenes without a node."""

from typing import Any

from ledger.batch import Command, write_batch
from tests.market.trade.scene import Scene


class Batch:
    """A batch writer that writes what it is given at once."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def submit(self, command: Command) -> Any:
        (outcome,) = await write_batch(self._scene.database, self._scene.clock, [command])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
