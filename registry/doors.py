"""The door of a status: one conditional UPDATE by a table of states, one statement.

The status is claimed in the UPDATE that finds the state the step was decided on. What is private is in the
opening; digests are subjects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlmodel import SQLModel, col, update

from base.db import WriteSession
from base.errors import Conflict, DomainError
from identity.service import insert
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a step says beside what it is about: in public, in the opening, of which digests."""

    public: Mapping[str, Any] = field(default_factory=dict)
    opening: Mapping[str, Any] | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Tables that move by one form: each with its machine, whose name begins its events, and its id.

    `may_move` answers the state that a machine's event of a role leads to, or raises; `named` are the columns
    that every statement tells of a row that has them; `moved_on` refuses a row that another has moved.
    """

    keys: Mapping[type[SQLModel], tuple[str, str]]
    named: tuple[str, ...]
    may_move: Callable[[str, StrEnum | None, StrEnum, str], StrEnum]
    moved_on: Callable[[StrEnum, Mapping[str, str]], Conflict]

    async def begin(
        self,
        s: WriteSession,
        act: Act,
        row: Any,
        event: StrEnum,
        said: Said | None = None,
        *,
        taken: DomainError | None = None,
    ) -> Recorded:
        """Store a row in the state that its first event leads to, and state it. Raises as `may_move`.

        `taken` is raised where another row has a value that must be its own.
        """
        machine, _ = self.keys[type(row)]
        row.status = self.may_move(machine, None, event, act.role)
        if taken is not None:
            await insert(s, row, taken)
        else:
            s.add(row)
            await s.flush()
        return await self._state(s, act, row, event, said or Said(), before=None)

    async def step(
        self,
        s: WriteSession,
        act: Act,
        row: Any,
        event: StrEnum,
        said: Said | None = None,
        *,
        values: Mapping[str, Any] | None = None,
    ) -> Recorded:
        """Move a row that is claimed. Raises as `may_move` and `moved_on`."""
        machine, key = self.keys[type(row)]
        before = row.status
        after = self.may_move(machine, before, event, act.role)
        table: Any = type(row)
        found = (col(getattr(table, key)) == getattr(row, key), col(table.status) == before)
        changed = await s.exec(update(table).where(*found).values(status=after, **(values or {})))
        if changed.rowcount != 1:
            raise self.moved_on(event, {key: getattr(row, key)})
        await s.refresh(row)
        return await self._state(s, act, row, event, said or Said(), before=before)

    async def _state(
        self, s: WriteSession, act: Act, row: Any, event: StrEnum, said: Said, *, before: StrEnum | None
    ) -> Recorded:
        machine, key = self.keys[type(row)]
        told = {name: getattr(row, name) for name in (key, *self.named) if hasattr(row, name)}
        plain = {name: told[name].value if isinstance(told[name], StrEnum) else told[name] for name in told}
        draft = Draft(
            f"{machine}.{event.value}",
            getattr(row, key),
            public={**plain, **said.public},
            opening=said.opening,
            subjects=said.subjects,
            before=None if before is None else before.value,
            after=row.status.value,
        )
        return await record(s, act, draft)
