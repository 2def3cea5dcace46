"""A node as a witness of other logs, and the witnesses of its own, as the settings have it."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx

from base.clock import Clock
from base.db import Database
from base.settings import Settings, load_or_create_secret
from base.signing import SigningKey
from ledger.checkpoint import Cosigner
from ledger.errors import PolicyInvalid
from ledger.witness import WitnessDesk, by_origin
from ledger.witness_circle import WitnessCircle
from ledger.witness_policy import Policy

PREFIX: Final = "/witness/v1"


def load_cosigner(settings: Settings) -> Cosigner:
    """The witness's own key, never the one that signs checkpoints; made on first use."""
    key = SigningKey.from_bytes(load_or_create_secret(settings.keys_dir / "witness.key"))
    return Cosigner(settings.witness_name or f"{settings.origin}/witness", key)


def desk_of(settings: Settings, database: Database, clock: Clock) -> WitnessDesk | None:
    """The node as a witness, where it is told of logs. Raises PolicyInvalid."""
    if settings.witnessed_logs_file is None:
        return None
    known = _read(settings.witnessed_logs_file, quorum=False)
    return WitnessDesk(database, clock, load_cosigner(settings), by_origin(known.logs))


def circle_of(settings: Settings, http: httpx.AsyncClient) -> WitnessCircle | None:
    """The witnesses of our log, where there is a policy. Raises PolicyInvalid."""
    if settings.witness_policy_file is None:
        return None
    policy = _read(settings.witness_policy_file, quorum=True)
    if settings.keys_dir.joinpath("witness.key").exists():
        own = load_cosigner(settings).vkey.public
        if any(vkey.public == own for vkey in policy.vkeys):
            raise PolicyInvalid("a node is no witness of its own log")
    return WitnessCircle(
        policy, http, patience_s=settings.witness_timeout_s, longest_pause_s=settings.witness_pause_s
    )


def federated_every(settings: Settings) -> timedelta | None:
    """How often at most a witnessed log's checkpoint is stated on ours; None: never."""
    return None if settings.federate_every_s is None else timedelta(seconds=settings.federate_every_s)


def _read(path: Path, *, quorum: bool) -> Policy:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PolicyInvalid(f"{path} cannot be read: {error.strerror}") from None
    try:
        return Policy.parse(data, quorum=quorum)
    except PolicyInvalid as error:
        raise PolicyInvalid(f"{path}: {error.detail}") from None
