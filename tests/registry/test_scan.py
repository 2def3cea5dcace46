"""A scan of whole files with planted identifiers: all valid ones are seen, look-alikes are not."""

from datetime import date, timedelta
from random import Random

import duckdb
import orjson
import pytest

from base.canonical import canonical
from registry.declared import Declared
from registry.hints import (
    BESIDE,
    biometric_hints,
    column_hints,
    health_hints,
    is_icd_category,
    quasi_hints,
    singling_out,
)
from registry.identifiers import is_cn_id, passes_luhn
from registry.preview import masked
from registry.report import Report, differences
from registry.rules import Hint, HintKind, Level, PersonalData, graded, screen
from tests.registry.samples import measured_here

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity(random: Random, *, valid: bool = True) -> str:
    born = date(1950, 1, 1) + timedelta(days=random.randrange(25_000))
    body = f"44010{random.randrange(1, 9)}{born:%Y%m%d}{random.randrange(1000):03d}"
    check = "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]
    return body + (check if valid else "0123456789X"["0123456789X".index(check) - 1])


def card(random: Random, *, valid: bool = True) -> str:
    body = "62220" + "".join(random.choices("0123456789", k=13))
    (check,) = [d for d in "0123456789" if passes_luhn(body + d)]
    return body + (check if valid else str((int(check) + 1) % 10))


def scanned(tmp_path, header: str, rows: list[str]):
    path = tmp_path / "scan.csv"
    path.write_text(header + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    report = measured_here(path, Declared(), tmp_path / "scratch")
    return {(h.kind, h.column): (h.rows, h.flagged) for h in report.hints}


def test_one_identity_number_among_many_long_numbers_is_found(tmp_path):
    random = Random(1)
    rows = [f"{n},{n:014d}" for n in range(10**13, 10**13 + 30_000)]
    rows[29_000] = f"29000,{identity(random)}"
    assert scanned(tmp_path, "n,order_no", rows) == {(HintKind.CN_ID, "order_no"): (1, True)}


def test_every_planted_identifier_counts_and_no_look_alike(tmp_path):
    random = Random(2)
    rows = [
        f"{identity(random)},{identity(random, valid=False)},{card(random)},{card(random, valid=False)}"
        for _ in range(2_000)
    ]
    assert scanned(tmp_path, "证件,编号,卡号,流水", rows) == {
        (HintKind.CN_ID, "证件"): (2_000, True),
        (HintKind.BANK_CARD, "卡号"): (2_000, True),
    }


def test_a_column_of_distinct_mobile_numbers_is_seen_however_long_it_is(tmp_path):
    rows = [f"{n},138{n:08d}" for n in range(45_000)]
    found = scanned(tmp_path, "n,phone", rows)
    assert found == {(HintKind.MOBILE, "phone"): (45_000, True)}


def test_long_numbers_that_pass_luhn_by_chance_are_no_cards():
    random = Random(3)
    values = [(f"4{random.randrange(10**15):015d}", 1) for _ in range(4_000)]
    (hint,) = column_hints("trace", values, checked=4_000)
    assert hint.kind is HintKind.BANK_CARD
    assert 300 < hint.rows < 500
    assert not hint.flagged


def test_nothing_is_hidden_in_the_header_in_records_that_do_not_fit_or_among_the_missing(tmp_path):
    random = Random(5)
    one, two, *hidden = [identity(random) for _ in range(12)]
    rows = [f"{n},x" for n in range(40)] + [f"{n},{two}" for n in range(2)] + [f"1,2,{h}" for h in hidden]
    path = tmp_path / "scan.csv"
    path.write_text(f"n,{one}\n" + "\n".join(rows) + "\n")
    report = measured_here(path, Declared(missing=("", two)), tmp_path / "scratch")
    assert [(h.kind, h.column, h.rows, h.flagged) for h in report.hints] == [
        (HintKind.CN_ID, one, 2, True),
        (HintKind.CN_ID, BESIDE, 11, True),
    ]
    assert all(one[6:] not in name for name in masked(report, Level.GENERAL_1).header)


def test_what_a_parquet_file_says_of_itself_is_seen(tmp_path):
    path = tmp_path / "scan.parquet"
    said = identity(Random(6))
    duckdb.sql(
        f"COPY (SELECT 1 AS a, 13812345678.0::DOUBLE AS b) TO '{path}'"
        f" (FORMAT parquet, KV_METADATA {{owner: '{said}'}})"
    )
    hints = measured_here(path, Declared(), tmp_path / "scratch").hints
    assert [(h.kind, h.column) for h in hints] == [(HintKind.MOBILE, "b"), (HintKind.CN_ID, BESIDE)]


def test_places_in_one_cell_and_codes_of_the_national_edition_are_seen(tmp_path):
    codes = ["E11.900x001", "I10.x00x002", "J45.901", "E11.9 糖尿病"]
    rows = [f'"{113 + n / 1000:.6f},{23 + n / 1000:.6f}",{codes[n % 4]},{n}.5' for n in range(40)]
    assert scanned(tmp_path, "at,code,n", rows) == {
        (HintKind.GPS_PAIR, "at"): (40, True),
        (HintKind.HEALTH, "code"): (40, True),
    }


@pytest.mark.parametrize(
    "cell", ["１１０１０５１９４９１２３１００２Ｘ", "110105 19491231 002X", "110105-19491231-002x"]
)
def test_an_identity_number_is_seen_in_other_clothes(tmp_path, cell):
    assert scanned(tmp_path, "a,b", [f"1,{cell}", "2,无"]) == {(HintKind.CN_ID, "b"): (1, True)}


def test_a_day_that_never_was_is_no_birthday():
    assert not is_cn_id("110105194902310029")


def test_sold_as_anonymised_a_population_of_patients_is_stopped(tmp_path):
    """SC-7: birth date, postcode, sex, employer single people out; HbA1c and diagnosis are medical."""
    random = Random(7)
    rows = [
        f"{date(1950, 1, 1) + timedelta(days=random.randrange(20_000))},5100{random.randrange(10, 70)},"
        f"{random.choice('男女')},单位{random.randrange(300)},{random.uniform(4, 12):.1f},E11.9"
        for _ in range(3_000)
    ]
    path = tmp_path / "patients.csv"
    path.write_text("出生日期,邮编,性别,工作单位,HbA1c,诊断编码\n" + "\n".join(rows) + "\n", encoding="utf-8")
    hints = measured_here(path, Declared(), tmp_path / "scratch").hints
    kinds = {(h.kind, h.column) for h in hints if h.flagged}
    assert kinds == {
        (HintKind.HEALTH, "HbA1c"),
        (HintKind.HEALTH, "诊断编码"),
        *((HintKind.QUASI, name) for name in ("出生日期", "邮编", "性别", "工作单位")),
    }
    (alone,) = {h.rows for h in hints if h.kind is HintKind.QUASI}
    assert alone == 3_000
    level = graded(Level.GENERAL_1, hints)
    assert level is Level.GENERAL_4
    outcome = screen(level, hints, PersonalData(contained=True, anonymised=True))
    assert (outcome.passed, outcome.reasons) == (False, ("NL4-not-anonymised",))


def test_five_alike_are_anonymous_and_four_are_not():
    columns = ["age", "sex", "city"]
    assert singling_out(columns) == ["age", "sex"]
    assert quasi_hints(["age"], alone=0, rows=10) == [Hint(HintKind.QUASI, "age", 0, 10, flagged=False)]
    fine = quasi_hints(["age", "sex"], alone=0, rows=10)
    assert screen(Level.GENERAL_1, fine, PersonalData(anonymised=True)).passed
    bad = quasi_hints(["age", "sex"], alone=4, rows=10)
    assert not screen(Level.GENERAL_1, bad, PersonalData(anonymised=True)).passed
    assert screen(Level.GENERAL_1, bad, PersonalData()).passed  # a note for the reviewer


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["postcode", "employer"], []),  # nobody's birth, age or sex
        (["sex"], []),
        (["page", "sexagesimal", "postal_code"], []),
        (["birth_date", "zip", "value"], ["birth_date", "zip"]),
        (["年龄", "职业", "金额"], ["年龄", "职业"]),
    ],
)
def test_what_singles_out_is_one_of_who_and_another(columns, found):
    assert singling_out(columns) == found


def test_codes_of_parts_are_no_diagnoses_but_codes_with_a_place_are():
    assert health_hints("part", coded=100, dotted=10, checked=100) == []
    assert health_hints("code", coded=90, dotted=50, checked=100) == [
        Hint(HintKind.HEALTH, "code", 90, 100, flagged=True)
    ]


def test_health_alone_is_nobodys_and_beside_a_person_it_is_medical():
    health = [Hint(HintKind.HEALTH, "icd", 10, 10, flagged=True)]
    assert graded(Level.GENERAL_1, health) is Level.GENERAL_1
    phone = Hint(HintKind.MOBILE, "phone", 10, 10, flagged=True)
    assert graded(Level.GENERAL_1, [*health, phone]) is Level.GENERAL_4


@pytest.mark.parametrize(("real", "padding"), [(200, 800), (200, 5_000), (40, 0)])
def test_cards_are_seen_whatever_stands_beside_them(real, padding):
    random = Random(5)
    values = [(card(random), 1) for _ in range(real)]
    values += [(card(random, valid=False), 1) for _ in range(padding)]
    (hint,) = column_hints("卡号", values, checked=real + padding)
    assert (hint.kind, hint.rows, hint.flagged) == (HintKind.BANK_CARD, real, True)


PLANTED = "证件,错号,卡号,错卡,dx,part_no,型号,face_id,surface"


def planted(random: Random) -> list[str]:
    """Every valid identifier beside its look-alike: wrong digits, part numbers shaped like diagnoses."""
    return [
        f"{identity(random)},{identity(random, valid=False)},{card(random)},{card(random, valid=False)},"
        f"{random.choice('ABCEFGHIJKLMN')}{random.randrange(10, 80)}.{n % 10},"
        f"B{random.randrange(10, 99)}.{n % 10},C{random.randrange(10, 99)}.{n % 10},img{n},{n}"
        for n in range(300)
    ]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_every_planted_identifier_is_found_in_every_form_and_no_look_alike(tmp_path, form):
    path = tmp_path / "planted.csv"
    path.write_text(PLANTED + "\n" + "\n".join(planted(Random(11))) + "\n", encoding="utf-8")
    if form == "parquet":
        packed = tmp_path / "planted.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"COPY (FROM read_csv('{path}', all_varchar = true)) TO '{packed}'")
        path = packed
    hints = measured_here(path, Declared(), tmp_path / "scratch").hints
    assert {(one.kind, one.column, one.rows) for one in hints if one.flagged} == {
        (HintKind.CN_ID, "证件", 300),
        (HintKind.BANK_CARD, "卡号", 300),
        (HintKind.HEALTH, "dx", 300),
        (HintKind.BIOMETRIC, "face_id", 300),
    }
    assert graded(Level.GENERAL_1, hints) is Level.GENERAL_4


@pytest.mark.parametrize(
    ("category", "holds"),
    [
        *(("A00", True), ("D49", False), ("E90", True), ("E91", False), ("K94", False), ("T98", True)),
        *(("T99", False), ("V00", False), ("U07", True), ("C4A", True), ("z99", True), ("1A0", False)),
        ("", False),
    ],
)
def test_a_category_is_one_that_its_letter_has(category, holds):
    assert is_icd_category(category) is holds


def test_diagnoses_are_nearly_all_of_a_column_and_parts_are_named_so():
    assert health_hints("code", coded=89, dotted=89, checked=100) == []
    assert health_hints("code", coded=100, dotted=49, checked=100) == []
    assert health_hints("material_code", coded=100, dotted=100, checked=100) == []
    assert health_hints("icd_part", coded=0, dotted=0, checked=100)[0].flagged  # the name says so


@pytest.mark.parametrize("column", ["指纹", "face_template", "人脸图像", "voiceprint", "iris_code", "基因型"])
def test_what_recognises_a_body_is_sensitive_by_its_name_unless_it_is_empty(column):
    (hint,) = biometric_hints(column, checked=3)
    assert graded(Level.GENERAL_1, [hint]) is Level.GENERAL_4
    assert screen(Level.GENERAL_4, [hint], PersonalData()).reasons[0] == "NL4-undeclared-biometric"
    assert biometric_hints(column, checked=0) == []
    for other in ("surface", "interface_id", "iris_species", "typeface", "表面", "流程"):
        assert biometric_hints(other, checked=3) == []


def test_a_scan_that_has_learnt_to_see_more_makes_no_other_goods(tmp_path):
    path = tmp_path / "scan.csv"
    path.write_text("n,at\n" + "".join(f"{n},1381234{n:04d}\n" for n in range(50)))
    now = measured_here(path, Declared(), tmp_path / "scratch")
    document = orjson.loads(now.canonical)
    document["hints"] = []
    document["columns"][1] |= {"minimum": "13812340000", "maximum": "13812340049"}
    assert differences(Report(canonical(document)), now) == ()
    document["columns"][0] |= {"maximum": "50"}
    assert differences(Report(canonical(document)), now) == ("columns",)
