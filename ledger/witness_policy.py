"""Trust policies in the form of C2SP tlog-policy: which logs, which witnesses, and how many of them.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...
    quorum <name>|none

The same file serves a log (which witnesses to ask), a witness (whose checkpoints to take: its `log`
lines) and whoever verifies offline.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from ledger.checkpoint import COSIGNATURE, ED25519, Verified, VerifierKey
from ledger.errors import NoteInvalid, PolicyInvalid

NONE: Final = "none"
_MAX_BYTES: Final = 1_048_576
_THRESHOLD: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_URL: Final = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


@dataclass(frozen=True, slots=True)
class Log:
    """A log, by its key; the key's name is the log's origin."""

    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its name in the policy, its key, and its submission prefix where it is to be asked."""

    name: str
    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """At least `needed` of its members, which are witnesses or groups."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What makes a checkpoint trustworthy. `quorum` is the name of a witness or a group, or `none`."""

    logs: tuple[Log, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = NONE

    @property
    def vkeys(self) -> list[VerifierKey]:
        """The keys of all witnesses."""
        return [witness.vkey for witness in self.witnesses]

    @property
    def asks(self) -> bool:
        """Whether any cosignature is needed."""
        return self.quorum != NONE

    def satisfied(self, cosigned: Iterable[Verified]) -> bool:
        """Whether cosignatures that hold are a quorum."""
        keys = {found.key for found in cosigned}
        return self._holds(self.quorum, {one.name for one in self.witnesses if one.vkey in keys})

    def _holds(self, name: str, have: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name == NONE or name in have
        return sum(self._holds(member, have) for member in group.members) >= group.needed

    @classmethod
    def parse(cls, data: bytes, *, quorum: bool = True) -> "Policy":
        """Read a policy file. Raises PolicyInvalid, naming the line, on any deviation of its form.

        With `quorum` false the quorum line may be missing: a list of logs needs none.
        """
        if len(data) > _MAX_BYTES or _CONTROL.search(data) is not None:
            raise PolicyInvalid("a policy is short text without control characters")
        reading = _Reading()
        for number, line in enumerate(data.decode(errors="surrogateescape").split("\n"), start=1):
            items = line.replace("\t", " ").split(" ")
            items = [item for item in items if item]
            if items and not items[0].startswith("#"):
                try:
                    reading.take(items)
                except (PolicyInvalid, NoteInvalid) as error:
                    raise PolicyInvalid(f"line {number}: {error.detail}", line=number) from None
        return reading.policy(quorum=quorum)


class _Reading:
    """The lines of a policy as they come: a name stands for what was defined before it."""

    def __init__(self) -> None:
        self._logs: list[Log] = []
        self._witnesses: list[Witness] = []
        self._groups: dict[str, Group] = {}
        self._names: set[str] = set()
        self._grouped: set[str] = set()
        self._quorum: str | None = None

    def take(self, items: list[str]) -> None:
        """One line's items. Raises PolicyInvalid, NoteInvalid."""
        kind, rest = items[0], items[1:]
        if kind == "log" and len(rest) in {1, 2}:
            vkey = self._key(rest[0], ED25519, [log.vkey for log in self._logs])
            self._logs.append(Log(vkey, _url(rest[1:])))
        elif kind == "witness" and len(rest) in {2, 3}:
            vkey = self._key(rest[1], COSIGNATURE, [one.vkey for one in self._witnesses])
            self._witnesses.append(Witness(self._new(rest[0]), vkey, _url(rest[2:])))
        elif kind == "group" and len(rest) > 2:  # noqa: PLR2004 - name, threshold, one member at least
            self._group(rest[0], rest[1], rest[2:])
        elif kind == "quorum" and len(rest) == 1:
            if self._quorum is not None:
                raise PolicyInvalid("there is one quorum")
            if rest[0] != NONE and rest[0] not in self._names:
                raise PolicyInvalid("the quorum is not defined before")
            self._quorum = rest[0]
        else:
            raise PolicyInvalid("not a line of a policy")

    def policy(self, *, quorum: bool) -> Policy:
        if quorum and self._quorum is None:
            raise PolicyInvalid("a policy names its quorum")
        return Policy(tuple(self._logs), tuple(self._witnesses), self._groups, self._quorum or NONE)

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        for member in members:
            if member not in self._names or member in self._grouped:
                raise PolicyInvalid("a member is defined before, and a member of one group alone")
            self._grouped.add(member)
        if threshold not in {"all", "any"} and _THRESHOLD.fullmatch(threshold) is None:
            raise PolicyInvalid("a group needs all, any, or a number of its members")
        counts = {"all": len(members), "any": 1}
        needed = counts[threshold] if threshold in counts else int(threshold)
        if needed > len(members):
            raise PolicyInvalid("a group needs no more than all of its members")
        self._groups[self._new(name)] = Group(needed, tuple(members))

    def _new(self, name: str) -> str:
        if name == NONE or name in self._names:
            raise PolicyInvalid("a name is defined once, and `none` is none")
        self._names.add(name)
        return name

    @staticmethod
    def _key(text: str, kind: int, known: list[VerifierKey]) -> VerifierKey:
        try:
            vkey = VerifierKey.parse(text)
        except UnicodeEncodeError:
            raise PolicyInvalid("a verifier key is UTF-8") from None
        if vkey.kind != kind:
            raise PolicyInvalid("a log signs with kind 1, a witness with kind 4", kind=vkey.kind)
        if any(vkey.public == other.public for other in known):
            raise PolicyInvalid("the same key comes twice")
        return vkey


def _url(items: list[str]) -> str | None:
    if not items:
        return None
    if _URL.fullmatch(items[0]) is None:
        raise PolicyInvalid("an address looks like https://witness.example/prefix")
    return items[0].rstrip("/")
