"""What an interface may be, where it may lead, and what a call's path may say."""

from ipaddress import ip_address

import duckdb
import orjson
import pytest

from market.delivery.gateway.errors import (
    InterfaceMalformed,
    NotOffered,
    TargetMalformed,
    TargetTooLong,
)
from market.delivery.gateway.reading import _answered
from market.delivery.gateway.rules import (
    AnsweredBy,
    Interface,
    check_secret,
    interface_from,
    interface_of_text,
    is_public,
    require_offered,
)
from market.delivery.gateway.target import MAX_PATH, MAX_QUERY, target_of

ENDPOINT = {
    "answered_by": "PROVIDER",
    "base_url": "https://api.example.com/v1",
    "paths": ["/quotes", "/series/*"],
    "methods": ["GET"],
}


def test_an_interface_is_kept_as_it_was_told():
    interface = interface_from(ENDPOINT)
    assert interface.answered_by is AnsweredBy.PROVIDER
    assert (interface.timeout_ms, interface.max_answer_bytes, interface.per_minute) == (10_000, 2**20, 600)
    assert interface_of_text(orjson.dumps(interface.document()).decode()) == interface
    assert interface_from({}) == Interface()


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": None},
        {"base_url": "http://api.example.com"},
        {"base_url": "ftp://api.example.com"},
        {"base_url": "https://user:word@api.example.com"},
        {"base_url": "https://api.example.com/?a=1"},
        {"base_url": "https://api.example.com/#a"},
        {"base_url": "https://api.example.com/../x"},
        {"base_url": "https://api.example.com:0"},
        {"base_url": "https://api.example.com:70000"},
        {"base_url": "https://API.example.com\n"},
        {"base_url": "https://localhost"},
        {"base_url": "https://127.0.0.1"},
        {"base_url": "https://2130706433"},
        {"base_url": "https://0x7f.1"},
        {"base_url": "https://127.1"},
        {"base_url": "https://10.0.0.1"},
        {"base_url": "https://169.254.169.254"},
        {"base_url": "https://[::1]"},
        {"base_url": "https://[::ffff:10.0.0.1]"},
        {"base_url": "https://[64:ff9b::a00:1]"},
        {"base_url": 7},
        {"paths": []},
        {"paths": ["quotes"]},
        {"paths": ["/a/../b"]},
        {"paths": ["/a//b"]},
        {"paths": ["/a*"]},
        {"paths": ["/*/a"]},
        {"paths": "/a"},
        {"paths": [1]},
        {"methods": []},
        {"methods": ["DELETE"]},
        {"content_types": ["text/*"]},
        {"content_types": []},
        {"secret_id": "sec_1"},
        {"timeout_ms": 0},
        {"timeout_ms": 30_001},
        {"timeout_ms": True},
        {"max_answer_bytes": 2**24 + 1},
        {"per_minute": 0},
        {"answered_by": "NOBODY"},
        {"answered_by": "TABLE"},
        {"verify": False},
    ],
)
def test_what_is_no_endpoint_is_not_declared(changes):
    with pytest.raises(InterfaceMalformed):
        interface_from(ENDPOINT | changes)


def test_a_host_that_the_operator_names_may_be_private_and_without_tls():
    told = ENDPOINT | {"base_url": "http://127.0.0.1:9000"}
    with pytest.raises(InterfaceMalformed):
        interface_from(told)
    with pytest.raises(InterfaceMalformed):
        interface_from(told, hosts={"127.0.0.2"})
    assert interface_from(told, hosts={"127.0.0.1"}).base_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::1",
    ],
)
def test_no_address_inside_is_public(address):
    assert not is_public(ip_address(address))


def test_addresses_of_the_open_internet_are_public():
    assert is_public(ip_address("93.184.215.14"))
    assert is_public(ip_address("2606:2800:21f:cb07:6820:80da:af6b:8b2c"))
    assert is_public(ip_address("::ffff:93.184.215.14"))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Authorization", "x"),
        ("authorization\r\nx", "x"),
        ("host", "x"),
        ("transfer-encoding", "chunked"),
        ("connection", "x"),
        ("cookie", "x"),
        ("x-key", ""),
        ("x-key", "a\r\nb: c"),
        ("x-key", "密"),
        ("x-key", " a"),
        ("x-key", "a" * 4097),
    ],
)
def test_a_secret_is_one_header_and_smuggles_none(header, value):
    with pytest.raises(InterfaceMalformed):
        check_secret(header, value)
    check_secret("authorization", "Bearer abc def")


@pytest.mark.parametrize(
    ("raw", "query", "text"),
    [
        (b"/", b"", "/"),
        (b"/a/b", b"x=1&y=%20", "/a/b?x=1&y=%20"),
        (b"/%E7%94%B5", b"", "/%E7%94%B5"),
        (b"/%e7%94%b5", b"", "/%E7%94%B5"),
        (b"/%61b", b"", "/ab"),
        (b"/a%20b", b"", "/a%20b"),
        (b"/a.b/...c", b"", "/a.b/...c"),
    ],
)
def test_a_target_has_one_spelling(raw, query, text):
    assert target_of(raw, query).text == text


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        (b"", b""),
        (b"a", b""),
        (b"//a", b""),
        (b"/a/", b""),
        (b"/a//b", b""),
        (b"/..", b""),
        (b"/a/../b", b""),
        (b"/./a", b""),
        (b"/%2e%2e/a", b""),
        (b"/.%2e/a", b""),
        (b"/...", b""),
        (b"/a%2fb", b""),
        (b"/a%5Cb", b""),
        (b"/a\\b", b""),
        (b"/a%00", b""),
        (b"/a%0d%0ab", b""),
        (b"/%252e%252e", b""),
        (b"/a;b", b""),
        (b"/a%3bb", b""),
        (b"/a%3fb", b""),
        (b"/%ff", b""),
        (b"/%c0%ae%c0%ae", b""),
        (b"/a%", b""),
        (b"/a b", b""),
        (b"http://elsewhere.example/", b""),
        (b"/a", b"x=%0d%0a"),
        (b"/a", b"x=%ff"),
        (b"/a", b"x y"),
        (b"/a", b"x#y"),
        (b"/a", "x=电".encode()),
    ],
)
def test_what_could_mean_another_thing_elsewhere_is_refused(raw, query):
    with pytest.raises(TargetMalformed):
        target_of(raw, query)


def test_a_question_beyond_the_readers_memory_is_the_callers_mistake():
    class Full:
        def execute(self, *_):
            raise duckdb.OutOfMemoryException("failed to allocate")

    assert _answered(Full(), {"path": "x"}).startswith(b"Rmore than")


def test_long_paths_and_queries_are_refused_before_they_are_read():
    for raw, query in ((b"/" + b"a" * MAX_PATH, b""), (b"/a", b"x" * (MAX_QUERY + 1))):
        with pytest.raises(TargetTooLong):
            target_of(raw, query)


def test_only_what_is_offered_is_called():
    interface = interface_from(ENDPOINT)
    for path in ("/quotes", "/series/a", "/series/a/b"):
        require_offered(interface, "GET", path)
    for method, path in (
        ("POST", "/quotes"),
        ("GET", "/quotes/1"),
        ("GET", "/series"),
        ("GET", "/seriesx/a"),
        ("GET", "/"),
    ):
        with pytest.raises(NotOffered):
            require_offered(interface, method, path)
