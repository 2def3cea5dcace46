"""The witnesses of one log, asked for cosignatures: bounded in time, each with a memory of its own.

A witness that fails or is slow is left alone for a while, longer each time, so that it delays nobody.
What it says is evidence only where our own key signed it; everything else is a problem to be shown.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from base.errors import Malformed
from ledger.checkpoint import MAX_NOTE_BYTES, Checkpoint, Note, NoteSignature, b64, origin_hash
from ledger.witness_policy import Policy, Witness

PATIENCE_S: Final = 3.0
LONGEST_PAUSE_S: Final = 60.0
SIZE_TYPE: Final = "text/x.tlog.size"
_MAX_ANSWER_BYTES: Final = 65_536
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_PROBLEM_CHARS: Final = 200

Prover = Callable[[int], Awaitable[Sequence[bytes]]]
"""The consistency proof from an older size to the size that is to be cosigned."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one witness answered: a cosignature that holds, or a problem, with the note it keeps of us."""

    witness: Witness
    size: int
    cosignature: NoteSignature | None = None
    problem: str | None = None
    evidence: bytes | None = None


@dataclass(slots=True)
class _Memory:
    size: int = 0
    failures: int = 0
    pause_until: float = 0.0


class _Failed(Exception):
    """The witness did not cosign. `evidence`: what it keeps of our log, where that may tell why."""

    def __init__(self, problem: str, *, evidence: bytes | None = None) -> None:
        super().__init__(problem)
        self.problem = problem[:_PROBLEM_CHARS]
        self.evidence = evidence


@dataclass(slots=True)
class WitnessCircle:
    """Asks the witnesses of a policy that have an address. One per process that publishes."""

    policy: Policy
    http: httpx.AsyncClient
    patience_s: float = PATIENCE_S
    longest_pause_s: float = LONGEST_PAUSE_S
    now: Callable[[], float] = time.monotonic
    _memory: dict[str, _Memory] = field(default_factory=dict)

    @property
    def asked(self) -> list[Witness]:
        """The witnesses that have an address."""
        return [witness for witness in self.policy.witnesses if witness.url is not None]

    def due(self, note: Note) -> list[Witness]:
        """Whose cosignature the note lacks, and who is not left alone now."""
        have = {one.place for one in note.signatures}
        return [
            witness
            for witness in self.asked
            if (witness.vkey.name, witness.vkey.key_id) not in have
            and self._of(witness).pause_until <= self.now()
        ]

    def failures(self, witness: Witness) -> int:
        """How often a witness has failed since it last cosigned."""
        return self._of(witness).failures

    async def cosign(self, note: Note, prove: Prover) -> list[Answer]:
        """Ask everybody who is due, all at once; comes back within `patience_s`."""
        head = Checkpoint.parse(note.text)
        return await self._each(self.due(note), lambda one: self._cosigned(one, note, head, prove))

    async def latest(self, origin: str) -> list[Answer]:
        """What each witness keeps of a log (`evidence`, None where it has none), but those left alone now."""
        due = [witness for witness in self.asked if self._of(witness).pause_until <= self.now()]
        return await self._each(due, lambda one: self._kept(one, origin_hash(origin)))

    async def _each(
        self, witnesses: Iterable[Witness], ask: Callable[[Witness], Awaitable[Answer]]
    ) -> list[Answer]:
        return list(await asyncio.gather(*(self._one(witness, ask) for witness in witnesses)))

    async def _one(self, witness: Witness, ask: Callable[[Witness], Awaitable[Answer]]) -> Answer:
        memory = self._of(witness)
        problem, evidence = "no answer in time", None
        try:
            async with asyncio.timeout(self.patience_s):
                answer = await ask(witness)
        except _Failed as failed:
            problem, evidence = failed.problem, failed.evidence
        except httpx.HTTPError as error:
            problem = f"no answer: {type(error).__name__}"
        except TimeoutError:
            pass
        else:
            memory.failures, memory.pause_until = 0, 0.0
            return answer
        memory.failures += 1
        memory.pause_until = self.now() + min(self.longest_pause_s, 2.0 ** min(memory.failures, 10))
        return Answer(witness, memory.size, problem=problem, evidence=evidence)

    async def _cosigned(self, witness: Witness, note: Note, head: Checkpoint, prove: Prover) -> Answer:
        memory = self._of(witness)
        status, kind, body = await self._submit(witness, note, head, prove)
        told = _SIZE.fullmatch(body) if status == httpx.codes.CONFLICT and kind == SIZE_TYPE else None
        if told is not None and memory.size != int(told[1]) <= head.size:
            memory.size = int(told[1])  # it knows us at another size: from there then
            status, kind, body = await self._submit(witness, note, head, prove)
        if status in {httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY}:
            kept = await self._kept(witness, origin_hash(head.origin))
            raise _Failed(f"it does not agree: {status}", evidence=kept.evidence)
        if status != httpx.codes.OK:
            raise _Failed(f"it answers {status}")
        cosignature = _cosignature(witness, note, body)
        memory.size = head.size
        return Answer(witness, head.size, cosignature)

    async def _submit(
        self, witness: Witness, note: Note, head: Checkpoint, prove: Prover
    ) -> tuple[int, str, bytes]:
        old = min(self._of(witness).size, head.size)
        proof = await prove(old)
        lines = [f"old {old}", *(b64(step) for step in proof), "", ""]
        return await self._call(
            "POST", f"{witness.url}/add-checkpoint", "\n".join(lines).encode() + bytes(note)
        )

    async def _kept(self, witness: Witness, origin_sha256: str) -> Answer:
        status, _, body = await self._call("GET", f"{witness.url}/{origin_sha256}/checkpoint")
        if status not in {httpx.codes.OK, httpx.codes.NOT_FOUND}:
            raise _Failed(f"it answers {status}")
        return Answer(witness, self._of(witness).size, evidence=body if status == httpx.codes.OK else None)

    async def _call(self, method: str, url: str, content: bytes | None = None) -> tuple[int, str, bytes]:
        """Status, media type and body of an answer, of which no more than a note's length is read."""
        body = b""
        async with self.http.stream(method, url, content=content) as answer:
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > MAX_NOTE_BYTES:
                    raise _Failed("its answer is too long")
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            return answer.status_code, kind, body

    def _of(self, witness: Witness) -> _Memory:
        return self._memory.setdefault(str(witness.vkey), _Memory())


def _cosignature(witness: Witness, note: Note, body: bytes) -> NoteSignature:
    """The witness's own line in its answer, if it holds; lines of keys we do not know are passed over.

    An answer with an empty line in it would be read as the end of another text: it is refused.
    """
    try:
        if len(body) > _MAX_ANSWER_BYTES:
            raise _Failed("its answer is too long")
        answered = Note.parse((note.text + "\n").encode() + body)
        own = [one for one in answered.signatures if one.place == (witness.vkey.name, witness.vkey.key_id)]
        if answered.text != note.text or len(own) != 1:
            raise _Failed("its answer is not one signature line of its own")
        Note(note.text, tuple(own)).verify([witness.vkey])
    except Malformed as error:
        raise _Failed(f"its cosignature does not hold: {error.detail}") from None
    return own[0]
