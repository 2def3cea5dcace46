"""What is known of many objects is what is known of each, and takes as many questions as of one."""

from typing import Any

from sqlalchemy import event

from registry.grading.depending import level_of
from registry.grading.together import known_of
from registry.rules import Level
from tests.registry.assessments.passed import passed
from tests.registry.grading.bench import PRODUCT


async def test_many_objects_take_as_many_questions_as_one(sqlite_bench):
    bench, ids = sqlite_bench, [PRODUCT]
    await bench.product()
    ids += [await bench.product(f"prd_01jcw{n:021d}", level=Level.GENERAL_3) for n in range(12)]
    now = bench.clock.now()
    await passed(bench.database, holder_id=bench.provider.org_id, object_id=ids[3], now=now)
    asked: list[str] = []

    def note(*call: Any) -> None:
        if call[2].startswith("SELECT"):
            asked.append(call[2])

    async with bench.database.read() as s:
        engine = s.get_bind()
        event.listen(engine, "before_cursor_execute", note)
        try:
            await known_of(s, ids[:1])
            of_one = len(asked)
            found = await known_of(s, ids)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        assert len(asked) == 2 * of_one
        assert of_one <= 10
        for object_id in ids:
            assert found[object_id].level is await level_of(s, object_id=object_id)
        assert found[ids[3]].assessed == {"PIPIA", "SECURITY_REVIEW"}
        assert found[ids[4]].assessed == set()
