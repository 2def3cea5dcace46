"""The same bytes under another name: a file's level is not shed by listing it anew.

What is known of a digest counts for every object that is that file. What its scan showed, and a live entry of
the important-data catalogue, count whoever brought it. What officers decided counts too, until they decide on
this object: then that decision stands against another holder's, and a higher one asks for a review. What was
only declared counts for the same holder, and of a data list's entry, so that nobody raises another's data by
a word.
"""

from base.db import ReadSession
from base.ids import is_id
from registry.grading import repository
from registry.grading.rules import effective
from registry.grading.tables import GradeRow
from registry.rules import Level


async def level_of_bytes(s: ReadSession, row: GradeRow) -> Level | None:
    """What other names of an object's newest file give it; None where there is no other."""
    if row.file_sha256 is None:
        return None
    digest, free = row.file_sha256, row.decided is None
    decided = await repository.decided_on_file(s, sha256=digest, but=row.object_id)
    levels: list[Level | None] = []
    for other in await repository.grades_of_file(s, sha256=digest, but=row.object_id):
        mine, entry = other.holder_id == row.holder_id, is_id(other.object_id, "dat")
        levels.append(other.matched)
        if mine or free:
            levels.append(other.decided)
        if entry and free and other.decided is None:
            levels.append(other.declared)
    judged = {one.object_id for one in decided}
    for shown in await repository.evidence_of_file(s, sha256=digest, but=row.object_id):
        levels.append(shown.scanned)
        if shown.holder_id == row.holder_id and free and shown.object_id not in judged:
            levels.append(shown.declared)
    levels += [one.decided for one in decided if free or one.holder_id == row.holder_id]
    known = [one for one in levels if one is not None]
    return effective(*known) if known else None


async def twins_of(s: ReadSession, row: GradeRow) -> list[str]:
    """The other objects whose newest file is this object's."""
    if row.file_sha256 is None:
        return []
    return [
        one.object_id for one in await repository.grades_of_file(s, sha256=row.file_sha256, but=row.object_id)
    ]
