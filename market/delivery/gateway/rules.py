"""How the interface of a listing is answered: by its own table, or by the provider's endpoint. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from base.ids import is_id
from market.delivery.gateway.errors import InterfaceMalformed, NotOffered, TargetMalformed
from market.delivery.gateway.target import target_of

MAX_TIMEOUT_MS: Final = 30_000
MAX_ANSWER_BYTES: Final = 16 * 2**20
MAX_PATHS: Final = 50
MAX_CONTENT_TYPES: Final = 10
MAX_PER_MINUTE: Final = 600_000
MAX_SECRET: Final = 4096
METHODS: Final = ("GET", "POST")
ANY_BELOW: Final = "/*"
OF_TABLE: Final = "table-"
OVERSIZE: Final = "oversize"
_BASE: Final = re.compile(
    r"(https?)://(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(:[0-9]{1,5})?((?:/[A-Za-z0-9._~-]+)*)"
)
_CONTENT_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,40}/[a-z0-9][a-z0-9.+-]{0,60}")
_HEADER: Final = re.compile(r"[a-z][a-z0-9-]{0,59}")
_SECRET: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_NOT_A_SECRET: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Addresses that look public and lead into another network by translation.
_TRANSLATED: Final = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


class AnsweredBy(StrEnum):
    """TABLE: the product's own rows, by the exchange. PROVIDER: an endpoint of the seller."""

    TABLE = "TABLE"
    PROVIDER = "PROVIDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """An interface as its seller describes it. What belongs to an endpoint is empty for a table.

    A path that ends with `/*` stands for everything below it. `secret_id` names what is kept of the secret
    header; `per_minute` is how often one key may call.
    """

    answered_by: AnsweredBy = AnsweredBy.TABLE
    base_url: str | None = None
    paths: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    secret_id: str | None = None
    content_types: tuple[str, ...] = ("application/json",)
    timeout_ms: int = 10_000
    max_answer_bytes: int = 2**20
    per_minute: int = 600

    def document(self) -> dict[str, Any]:
        """As it is stated and kept."""
        return {
            "answered_by": self.answered_by.value,
            "base_url": self.base_url,
            "paths": list(self.paths),
            "methods": list(self.methods),
            "secret_id": self.secret_id,
            "content_types": list(self.content_types),
            "timeout_ms": self.timeout_ms,
            "max_answer_bytes": self.max_answer_bytes,
            "per_minute": self.per_minute,
        }


OWN_TABLE: Final = Interface()
"""What answers where the seller has said nothing else."""


def interface_of_text(text: str) -> Interface:
    """An interface as it was kept: what the operator's setting said of its host is asked again at a call."""
    told = orjson.loads(text)
    lists = {name: tuple(told[name]) for name in ("paths", "methods", "content_types")}
    return Interface(**{**told, **lists, "answered_by": AnsweredBy(told["answered_by"])})


def interface_from(document: Mapping[str, Any], *, hosts: Collection[str] = ()) -> Interface:
    """An interface as its seller tells it; a member that is not there, or None, has its default.

    `hosts` are those that the operator lets the gateway go to though they are not public, or without TLS.
    Raises InterfaceMalformed.
    """
    told = {name: value for name, value in document.items() if value is not None}
    unknown = sorted(told.keys() - {member.name for member in fields(Interface)})
    if unknown:
        raise InterfaceMalformed("an interface has no such members", members=unknown[:10])
    for name in ("paths", "methods", "content_types"):
        if name in told:
            told[name] = _texts(told[name], name)
    try:
        told["answered_by"] = AnsweredBy(told.get("answered_by", AnsweredBy.TABLE))
    except ValueError:
        raise InterfaceMalformed("who answers is not known", member="answered_by") from None
    interface = Interface(**told)
    for name, highest in (
        ("timeout_ms", MAX_TIMEOUT_MS),
        ("max_answer_bytes", MAX_ANSWER_BYTES),
        ("per_minute", MAX_PER_MINUTE),
    ):
        number = getattr(interface, name)
        if type(number) is not int or not 1 <= number <= highest:
            raise InterfaceMalformed(f"{name} is 1 to {highest}", member=name)
    _check_endpoint(interface, hosts)
    return interface


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise InterfaceMalformed("a list of texts is expected", member=name)
    return tuple(dict.fromkeys(value))


def _check_endpoint(interface: Interface, hosts: Collection[str]) -> None:
    if interface.answered_by is AnsweredBy.TABLE:
        if interface.base_url or interface.paths or interface.methods or interface.secret_id:
            raise InterfaceMalformed("a table has no endpoint", member="base_url")
        return
    check_base_url(interface.base_url, hosts)
    if not 1 <= len(interface.paths) <= MAX_PATHS:
        raise InterfaceMalformed(f"an endpoint offers 1 to {MAX_PATHS} paths", member="paths")
    for path in interface.paths:
        _check_path(path)
    if not interface.methods or not set(interface.methods) <= set(METHODS):
        raise InterfaceMalformed("methods are GET and POST", member="methods")
    kinds = interface.content_types
    if not 1 <= len(kinds) <= MAX_CONTENT_TYPES or not all(_CONTENT_TYPE.fullmatch(one) for one in kinds):
        raise InterfaceMalformed("content types look like application/json", member="content_types")
    if interface.secret_id is not None and not is_id(str(interface.secret_id), "sec"):
        raise InterfaceMalformed("a secret is named by its id", member="secret_id")


def _check_path(path: str) -> None:
    plain = path.removesuffix(ANY_BELOW) or "/"
    try:
        spelled = target_of(plain.encode(), b"").path
    except TargetMalformed as wrong:
        raise InterfaceMalformed(wrong.detail, member="paths") from None
    if spelled != plain or "*" in plain:
        raise InterfaceMalformed("a path is written plainly; only its end may be /*", member="paths")


def check_base_url(text: Any, hosts: Collection[str]) -> None:
    """The form of an endpoint's address, and where it may be. Raises InterfaceMalformed."""
    found = _BASE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InterfaceMalformed("a base URL looks like https://api.example.com/v1", member="base_url")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InterfaceMalformed(
            "a base URL looks like https://api.example.com/v1", member="base_url"
        ) from None
    host = parts.hostname or ""
    if port == 0 or any(part in {"", ".", ".."} for part in parts.path.split("/")[1:]):
        raise InterfaceMalformed("a base URL looks like https://api.example.com/v1", member="base_url")
    if host in hosts:
        return
    if parts.scheme != "https":
        raise InterfaceMalformed("an endpoint is reached by https", member="base_url")
    try:
        address = ip_address(host)
    except ValueError:
        if "." not in host.strip(".") or host.rsplit(".", 1)[-1].isdigit():
            raise InterfaceMalformed("a public host is expected", member="base_url") from None
        return
    if not is_public(address):
        raise InterfaceMalformed("a public address is expected", member="base_url")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the open internet, by whatever notation it is written."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.is_site_local or any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_judged(outcome: str) -> bool:
    """Whether what became of a call says something of its seller's service.

    What a table fails in is the exchange's; and how large an answer is may be the caller's doing.
    """
    return outcome != OVERSIZE and not outcome.startswith(OF_TABLE)


def check_secret(header: str, value: str) -> None:
    """The form of a secret header. Raises InterfaceMalformed, and repeats nothing of the value."""
    if _HEADER.fullmatch(header) is None or header in _NOT_A_SECRET:
        raise InterfaceMalformed("a secret is sent in a header of its own, in small letters", member="header")
    if len(value) > MAX_SECRET or _SECRET.fullmatch(value) is None:
        raise InterfaceMalformed(f"a secret is 1 to {MAX_SECRET} visible characters", member="value")


def require_offered(interface: Interface, method: str, path: str) -> None:
    """Whether a call is one of those that an endpoint offers. Raises NotOffered."""
    if method not in interface.methods or not any(_holds(one, path) for one in interface.paths):
        raise NotOffered("the interface offers no such call", method=method, methods=list(interface.methods))


def _holds(offered: str, path: str) -> bool:
    if offered.endswith(ANY_BELOW):
        return path.startswith(offered[:-1]) and len(path) >= len(offered)
    return path == offered
