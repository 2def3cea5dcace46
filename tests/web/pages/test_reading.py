"""What browsers send, read within bounds: urlencoded forms, and files as a stream."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from base.errors import Malformed, TooLarge
from web.pages.declaring import columns_text, declaration_of
from web.pages.forms import Form, Invalid, parse_form
from web.pages.multipart import small_file, upload_of

BODY = (
    b'--xyz\r\nContent-Disposition: form-data; name="csrf"\r\n\r\ntoken\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="note"\r\n\r\n\xe4\xbd\xa0\r\nsecond line\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="C:\\\\data\\\\a.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\na,b\r\n1,2\r\n--not the end\r\n\r\n"
    b'--xyz\r\nContent-Disposition: form-data; name="after"\r\n\r\nlate\r\n--xyz--\r\n'
)


NO_FILE = b'--xyz\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nt\r\n--xyz--\r\n'


def request_of(*chunks: bytes, kind: str = "multipart/form-data; boundary=xyz") -> Request:
    waiting = list(chunks)

    async def receive():
        if not waiting:
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())], "path": "/"}
    return Request(scope, receive)


@given(cuts=st.lists(st.integers(0, len(BODY)), max_size=12))
async def test_a_file_is_the_same_however_the_body_is_cut(cuts) -> None:
    places = [0, *sorted(cuts), len(BODY)]
    chunks = [BODY[start:end] for start, end in pairwise(places)]
    async with upload_of(request_of(*chunks)) as upload:
        assert upload.form.text("csrf") == "token"
        assert upload.form.text("note") == "你\nsecond line"
        assert upload.name.endswith("a.csv")
        assert "/" not in upload.name
        assert upload.media_type == "text/csv"
        assert await small_file(upload, 1000) == b"a,b\r\n1,2\r\n--not the end\r\n"
    assert upload.form.text("after") == ""


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=xyz"),
        (b"no form at all", "multipart/form-data; boundary=xyz"),
        (BODY, "multipart/form-data"),
        (BODY, "text/plain"),
        (
            b'--xyz\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nt\r\n--xyz--\r\n',
            "multipart/form-data; boundary=xyz",
        ),
    ],
)
async def test_what_is_no_form_with_a_file_is_malformed(body, kind) -> None:
    with pytest.raises(Malformed):
        async with upload_of(request_of(body, kind=kind)):
            pass


async def test_a_file_that_breaks_off_is_no_file() -> None:
    with pytest.raises(Malformed, match="middle"):
        async with upload_of(request_of(BODY[: BODY.index(b"--not the end")])) as upload:
            await small_file(upload, 1000)


async def test_what_comes_before_a_file_is_bounded_and_a_small_file_too() -> None:
    field = b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 400_000
    with pytest.raises(TooLarge):
        async with upload_of(request_of(field)):
            pass
    head = b"--xyz\r\n" + b"X-" + b"y" * 300_000 + b": z\r\n"
    with pytest.raises((TooLarge, Malformed)):
        async with upload_of(request_of(head)):
            pass
    async with upload_of(request_of(BODY)) as upload:
        with pytest.raises(TooLarge):
            await small_file(upload, 10)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=5))
def test_a_form_reads_back_what_was_written(fields) -> None:
    from urllib.parse import urlencode

    read = parse_form(urlencode(fields).encode())
    written = {name: value.replace("\r\n", "\n") for name, value in fields.items()}
    assert {name: values[0] for name, values in read.fields.items()} == written


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("680000", 68_000_000),
        ("680,000.00", 68_000_000),
        (" ¥1.5 ", 150),
        ("0.01", 1),
        ("-3", -300),
        ("", None),
    ],
)
def test_an_amount_in_yuan_is_whole_fen(text, fen) -> None:
    assert Form({"a": [text]}).fen("a") == fen


@pytest.mark.parametrize("text", ["1e3x", "1_000", "0.005", "NaN", "Infinity", "１２", "9" * 40, "one"])
def test_what_is_no_amount_is_never_taken_for_one(text) -> None:
    assert isinstance(Form({"a": [text]}).fen("a"), str)


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("1,200", 1200), ("", None)])
def test_a_whole_number_is_read(text, number) -> None:
    assert Form({"a": [text]}).whole("a") == number


@pytest.mark.parametrize("text", ["1.5", "-1", "x", "²", "9" * 30])
def test_what_is_no_whole_number_is_never_taken_for_one(text) -> None:
    assert isinstance(Form({"a": [text]}).whole("a"), str)


def test_a_moment_is_beijings_unless_it_says_otherwise() -> None:
    form = Form({"a": ["2026-11-20T18:00"], "b": ["2026-11-20T18:00:00Z"], "c": ["tomorrow"], "d": [""]})
    assert form.moment("a") == "2026-11-20T10:00:00.000Z"
    assert form.moment("b") == "2026-11-20T18:00:00.000Z"
    assert form.moment("c") == "\N{REPLACEMENT CHARACTER}"
    assert form.moment("d") is None


@pytest.mark.parametrize("body", [b"a=%FF", b"a", b"\xff=1", b"&".join(b"a%d=1" % n for n in range(300))])
def test_a_form_that_is_none_is_malformed(body) -> None:
    with pytest.raises(Malformed):
        parse_form(body)


def test_a_declaration_is_written_a_column_a_line() -> None:
    form = Form(
        {
            "columns": ["county | text | county code\n\nmonth|month|\nindex | decimal | use | optional"],
            "update_frequency": ["once"],
            "period_to": ["2026-06-30"],
            "expected_rows": ["120"],
        }
    )
    declared = declaration_of(form)
    assert declared == {
        "columns": [
            {"name": "county", "type": "text", "meaning": "county code"},
            {"name": "month", "type": "month", "meaning": ""},
            {"name": "index", "type": "decimal", "meaning": "use", "required": False},
        ],
        "update_frequency": "once",
        "period_to": "2026-06-30",
        "expected_rows": 120,
    }
    assert columns_text(None) == ""


@pytest.mark.parametrize(
    "line", ["county", "county | word", " | text", "a | text | b | maybe", "a|text|b|optional|c"]
)
def test_a_column_that_is_not_of_its_form_is_named(line) -> None:
    with pytest.raises(Invalid) as caught:
        declaration_of(Form({"columns": [line]}))
    assert caught.value.problems[0].name == "columns"
