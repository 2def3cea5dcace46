"""Whose key is it, and could it say this then? The parties' keys, as the entries themselves tell them.

Entry 0 fixes the exchange's key; registrations and revocations are entries. A registration is signed by
the new key and by a valid key of the same organisation, which cannot give itself further roles. The
exchange operator vouches for further roles beside it, and alone where the organisation has no valid key
(a first key, a recorded loss): else it could make itself a key and speak for a party.

The log's own keys (`LOG.*`) are told by the exchange, and proven by the notes in those statements
(`ledger.rotation`). Where a log goes on from another one, the keys of the earlier log go on too.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from base.errors import Malformed
from base.signing import keyid_of
from ledger.checkpoint import Checkpoint
from ledger.recovery import MEMBER, SIGNER_ROLE, read_signed, signed_by
from ledger.rotation import EVENTS, GENESIS, LogKeys, Predecessor
from ledger.suites import ED25519_SHA256, parse_party_key, suite_of
from supervision.audit_entry import Sealed

REGISTER: Final = "KEY.REGISTER"
REVOKE: Final = "KEY.REVOKE"
SIGN: Final = "TRD.SIGN"
OPERATOR: Final = "EXCHANGE_OPERATOR"
_SIGNING_ROLES: Final = frozenset({"PROVIDER", "BUYER", "BROKER", OPERATOR})
_CUSTODIES: Final = frozenset({"self-held", "custodial"})
_BEFORE: Final = -1  # the seq of what an earlier log says


@dataclass(frozen=True, slots=True)
class PartyKey:
    """A key of an organisation: in which roles it speaks, from which entry on, until which."""

    keyid: str
    public: bytes
    org_id: str
    roles: frozenset[str]
    since_seq: int
    revoked_seq: int | None = None


class Keyring:
    """The parties' keys at the point of the log that has been read. Entries are judged in order."""

    def __init__(self) -> None:
        self.operator_id: str | None = None
        self.vkey: str | None = None
        self.log = LogKeys()
        self.earlier: tuple[Checkpoint, LogKeys] | None = None
        self._keys: dict[str, PartyKey] = {}
        self._live: Counter[str] = Counter()  # how many valid keys an organisation has

    def go_on(self, last: Checkpoint) -> "Keyring":
        """The keyring that the next log begins with: the parties' keys, and what entry 0 has to name.

        `last` is the checkpoint that this log was audited to.
        """
        following = Keyring()
        following.operator_id = self.operator_id
        following.earlier = last, self.log
        for key in self._keys.values():
            revoked = None if key.revoked_seq is None else _BEFORE
            following._add(replace(key, since_seq=_BEFORE, revoked_seq=revoked))
        return following

    def public_of(self, keyid: str) -> bytes | None:
        """The raw public key of a keyid that was registered so far, revoked or not."""
        key = self._keys.get(keyid)
        return key.public if key else None

    def org_of(self, keyid: str) -> str | None:
        """Whose key it is; a key never changes its organisation."""
        key = self._keys.get(keyid)
        return key.org_id if key else None

    def roles_of(self, keyid: str) -> frozenset[str]:
        """The roles a key speaks in now."""
        key = self._keys.get(keyid)
        return key.roles if key else frozenset()

    def judge(self, said: Sealed) -> Iterator[str]:
        """Why this entry's keys could not say it; nothing when they could. Applies registrations."""
        signers = [signature.keyid for signature in said.signatures]
        if len(set(signers)) != len(signers):
            yield "a key signs twice"
        elif self.log.closed_seq is not None:
            yield f"sealed after the log was closed at seq {self.log.closed_seq}"
        elif (said.event == GENESIS) != (said.seq == 0):
            yield "entry 0, and no other, is the genesis of the log"
        elif said.event == GENESIS:
            yield from self._genesis(said, signers)
        elif said.event == REGISTER:
            yield from self._register(said, signers)
        elif said.event == REVOKE:
            yield from self._revoke(said, signers)
        elif said.event in EVENTS:
            yield from self._log_says(said, signers)
        else:
            for keyid in signers:
                yield from self._speaks(said, keyid)

    def _log_says(self, said: Sealed, signers: list[str]) -> Iterator[str]:
        """A change of the log's own keys: by the exchange, and what it says must be proven in it."""
        wrong = [why for keyid in signers for why in self._speaks(said, keyid)]
        if said.text("actor") != self.operator_id or said.text("role") != OPERATOR:
            wrong.append("only the exchange changes the keys of its log")
        yield from wrong or self.log.tell(said.seq, said.event, said.predicate)

    def _genesis(self, said: Sealed, signers: list[str]) -> Iterator[str]:
        stated = said.predicate.get("exchange_key")
        public = _public_key(stated.get("public_key"), stated.get("keyid")) if type(stated) is dict else None
        operator = said.text("operator_id")
        if public is not None and suite_of(public) is not ED25519_SHA256:
            public = None
        if public is None or operator is None or operator != said.text("actor"):
            yield "the genesis does not fix the exchange's key and operator"
            return
        yield from self._goes_on(said, operator, keyid_of(public))
        self.operator_id, self.vkey = operator, said.text("vkey")
        key = PartyKey(keyid_of(public), public, operator, frozenset({OPERATOR}), said.seq)
        self._add(key)
        if signers != [key.keyid]:
            yield "the genesis is not signed by the exchange's key alone"
        if said.text("origin") != said.node:
            yield "the genesis names another origin than its entry"
        else:
            yield from self.log.tell(said.seq, said.event, said.predicate)

    def _goes_on(self, said: Sealed, operator: str, keyid: str) -> Iterator[str]:
        """Whether entry 0 names the end of the earlier log, where that one was audited before."""
        if self.earlier is None:
            return
        last, before = self.earlier
        if before.closed_seq is None and not self._recovered(said, last):
            yield f"{last.origin} was not closed"
        if Predecessor.read(said.predicate.get("previous")) != Predecessor.of(last):
            yield f"does not go on from the end of {last.origin} at size {last.size}"
        if operator != self.operator_id or self._valid(keyid, said.seq) is None:
            yield "not the exchange of the log before it, or not with a key that was valid there"
        if before.successor is not None and str(before.successor) != said.text("vkey"):
            yield "the log before it was closed in favour of another key"

    def _recovered(self, said: Sealed, last: Checkpoint) -> bool:
        """Whether a data authority, by a key of the earlier log, ordered that it ends here."""
        try:
            order, envelope = read_signed(said.predicate.get(MEMBER))
        except Malformed:
            return False
        if (order.origin, order.size, order.root) != (last.origin, last.size, last.root.hex()):
            return False
        held = [self._valid(signature.keyid, said.seq) for signature in envelope.signatures]
        return signed_by(envelope, [key.public for key in held if key and SIGNER_ROLE in key.roles])

    def _register(self, said: Sealed, signers: list[str]) -> Iterator[str]:
        key = _stated_key(said)
        if key is None:
            yield "not the registration of a key of a known suite with its organisation and roles"
            return
        if said.text("actor") not in {key.org_id, self.operator_id}:
            yield "a key is registered by its organisation or by the exchange"
            return
        before = self._keys.get(key.keyid)
        if before is not None and (before.org_id != key.org_id or before.revoked_seq is not None):
            yield "the key belongs to another organisation or was revoked"
            return
        if key.keyid not in signers or not self._may_register(key, said.seq, signers):
            yield "not signed by the new key and by one that may register it"
            return
        self._add(key)

    def _add(self, key: PartyKey) -> None:
        self._live[key.org_id] += key.keyid not in self._keys and key.revoked_seq is None
        self._keys[key.keyid] = key

    def _may_register(self, key: PartyKey, seq: int, signers: list[str]) -> bool:
        """Whether all other signers are valid, and one may vouch: the old key, or the exchange."""
        vouching = [self._valid(keyid, seq) for keyid in signers if keyid != key.keyid]
        same = self._valid(key.keyid, seq)  # the same key again, under other roles
        if same is not None:
            vouching.append(same)
        known = [old for old in vouching if old is not None]
        concerned = {key.org_id, self.operator_id}
        if len(known) < len(vouching) or any(old.org_id not in concerned for old in known):
            return False
        if any(old.org_id == key.org_id and key.roles <= old.roles for old in known):
            return True
        # The exchange alone gives an organisation a key only where it has none: else it could speak for it.
        consents = not self._has_key(key.org_id) or any(old.org_id == key.org_id for old in known)
        return consents and any(old.org_id == self.operator_id and OPERATOR in old.roles for old in known)

    def _has_key(self, org_id: str) -> bool:
        """Whether a valid key of the organisation is registered by now."""
        return self._live.get(org_id, 0) > 0

    def _revoke(self, said: Sealed, signers: list[str]) -> Iterator[str]:
        keyid = said.text("keyid") or ""
        key = self._keys.get(keyid)
        if key is None or key.org_id != said.text("org_id") or key.revoked_seq is not None:
            yield "revokes no valid key of that organisation"
            return
        for signer in signers:
            old = self._valid(signer, said.seq)
            if old is None or old.org_id not in {key.org_id, self.operator_id}:
                yield "a key is revoked by its organisation or by the exchange"
                return
        self._live[key.org_id] -= 1
        self._keys[keyid] = PartyKey(keyid, key.public, key.org_id, key.roles, key.since_seq, said.seq)

    def _speaks(self, said: Sealed, keyid: str) -> Iterator[str]:
        key = self._keys.get(keyid)
        if key is None:
            previous = self.log.previous if self.earlier is None else None
            hint = f"; the log goes on from {previous.origin}: audit that one first" if previous else ""
            yield f"key {keyid[:16]} was not registered before{hint}"
        elif key.revoked_seq is not None:
            yield f"key {keyid[:16]} was revoked at seq {key.revoked_seq}"
        elif said.event == SIGN and "actor" not in said.predicate:
            parties = said.predicate.get("parties")
            if type(parties) is not list or key.org_id not in parties or not key.roles & _SIGNING_ROLES:
                yield f"{key.org_id} is no party of this contract"
        elif said.text("actor") != key.org_id:
            yield f"the key of {key.org_id} speaks for {said.predicate.get('actor')!r}"
        elif said.text("role") not in key.roles:
            yield f"the key of {key.org_id} does not speak in the role {said.predicate.get('role')!r}"

    def _valid(self, keyid: str, seq: int) -> PartyKey | None:
        key = self._keys.get(keyid)
        return key if key and key.since_seq < seq and key.revoked_seq is None else None


def _stated_key(said: Sealed) -> PartyKey | None:
    """The key that a registration states, or None where it is not one."""
    public = _public_key(said.predicate.get("public_key"), said.predicate.get("keyid"))
    org_id, roles = said.text("org_id"), said.predicate.get("roles")
    if public is None or org_id is None or type(roles) is not list:
        return None
    if not roles or not all(type(role) is str for role in roles):
        return None
    if said.text("suite") != suite_of(public).name or said.text("custody") not in _CUSTODIES:
        return None
    return PartyKey(keyid_of(public), public, org_id, frozenset(roles), said.seq)


def stated_public_keys(said: Sealed) -> dict[str, bytes]:
    """Keyid and raw key that a genesis or a registration brings along, believed or not."""
    stated = said.predicate.get("exchange_key") if said.event == GENESIS else said.predicate
    if said.event not in {GENESIS, REGISTER} or type(stated) is not dict:
        return {}
    public = _public_key(stated.get("public_key"), stated.get("keyid"))
    return {} if public is None else {keyid_of(public): public}


def _public_key(encoded: object, keyid: object) -> bytes | None:
    """The raw key, where its keyid is the SHA-256 of it (a keyid cannot be claimed for another key)."""
    if type(encoded) is not str:
        return None
    try:
        public = parse_party_key(encoded)
    except Malformed:
        return None
    return public if keyid_of(public) == keyid else None
