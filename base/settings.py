"""What a deployment may set, from the environment (`DATABOURSE_…`), and secrets kept in files.

What is not set is closed: without the bank's key no bank message is believed, without a public address
the pages name the loopback. No secret has a default.
"""

import os
import re
import secrets
import stat
from base64 import b64decode
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRET_BYTES: Final = 32
MASTER_LENGTHS: Final = frozenset({32, 64})
_MIB: Final = 2**20
_MOST_ORIGIN: Final = 200  # it stands in every entry, which has a bound
_ORIGIN: Final = re.compile(r"[a-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*")
_STORE_URL: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,62}(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_HOST: Final = re.compile(r"[a-z0-9.:-]{1,253}")
_ROLES: Final = re.compile(r"([A-Z_]{2,40}(,[A-Z_]{2,40})*)?")
_HTTP_URL: Final = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


class SecretUnsafe(Exception):
    """A secret's file is readable by others, does not hold a secret, or is about to hold another."""


def _origin(text: str) -> str:
    """C2SP tlog-checkpoint: a log's name looks like a URL without a scheme or trailing slash."""
    if _ORIGIN.fullmatch(text) is None or len(text) > _MOST_ORIGIN:
        raise ValueError("an origin looks like exchange.example/log, in at most 200 characters")
    return text


def _maybe_origin(text: str | None) -> str | None:
    return None if text is None else _origin(text)


def _http_url(text: str) -> str:
    if _HTTP_URL.fullmatch(text) is None:
        raise ValueError("an address looks like https://exchange.example")
    return text.rstrip("/")


def _store_url(text: str | None) -> str | None:
    if text is not None and _STORE_URL.fullmatch(text) is None:
        raise ValueError("a store looks like s3://BUCKET or s3://BUCKET/PREFIX")
    return text


def _async_url(text: str) -> str:
    if not text.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
        raise ValueError("write the driver in full: sqlite+aiosqlite:/// or postgresql+asyncpg://")
    return text


def _public_key(text: str | None) -> str | None:
    if text is not None and len(b64decode(text, validate=True)) != SECRET_BYTES:
        raise ValueError("a public key is base64 of 32 raw bytes")
    return text


def _networks(text: str) -> str:
    for network in filter(None, (part.strip() for part in text.split(","))):
        ip_network(network)  # ValueError says what is wrong
    return text


def _hosts(text: str) -> str:
    for host in hosts_of(text):
        if _HOST.fullmatch(host) is None:
            raise ValueError("a host looks like api.example, in small letters, without a port")
    return text


def hosts_of(text: str) -> frozenset[str]:
    """The hosts of a list with commas between."""
    return frozenset(filter(None, (part.strip() for part in text.split(","))))


def _role_names(text: str) -> str:
    if _ROLES.fullmatch(text) is None:
        raise ValueError("roles are written like EXCHANGE_OPERATOR,DATA_AUTHORITY")
    return text


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class Settings(BaseSettings):
    """A deployment's choices. Every name is read from the environment with the prefix `DATABOURSE_`."""

    model_config = SettingsConfigDict(env_prefix="DATABOURSE_", env_ignore_empty=True, frozen=True)

    database_url: Annotated[str, AfterValidator(_async_url)] = Field(
        default="sqlite+aiosqlite:///var/databourse.db",
        description="SQLAlchemy URL with the async driver in full, without a password.",
    )
    database_password: SecretStr | None = Field(
        default=None, description="Put into the URL when it is used, so that the URL can be shown."
    )
    data_dir: Path = Field(default=Path("var"), description="Files, keys and the published log.")
    master_key_file: Path | None = Field(
        default=None, description="Raw bytes that seal files and custodial keys; made if absent."
    )
    store_url: Annotated[str | None, AfterValidator(_store_url)] = Field(
        default=None, description="Keep sealed files in this S3-compatible bucket; unset: in the data folder."
    )
    store_endpoint: HttpUrl | None = Field(
        default=None, description="Where that store is reached; unset: at Amazon, in the region."
    )
    store_region: str = Field(default="us-east-1", description="The region that requests are signed for.")
    store_key_id: str | None = Field(
        default=None,
        description="The access key; unset: what the environment has (AWS_…, the machine's role).",
    )
    store_secret: SecretStr | None = Field(default=None, description="The secret of that access key …")
    store_secret_file: Path | None = Field(default=None, description="… or the file that holds it.")
    origin: Annotated[str, AfterValidator(_origin)] = Field(
        default="databourse.example/log", description="The log's name on every checkpoint. It cannot change."
    )
    public_url: HttpUrl = Field(
        default="http://127.0.0.1:8000", description="Where callers reach the pages and the API."
    )
    bank_url: HttpUrl = Field(
        default="http://127.0.0.1:8100", description="Where the escrow bank takes instructions."
    )
    bank_key: Annotated[str | None, AfterValidator(_public_key)] = Field(
        default=None,
        description="The bank's Ed25519 public key, base64 of 32 bytes. Unset: none is believed.",
    )
    escrow_account: str | None = Field(
        default=None, description="The number of the escrow account that trades are paid out of."
    )
    fee_account: str | None = Field(
        default=None, description="The number of the account that the platform's own fee is paid to."
    )
    witness_policy_file: Path | None = Field(
        default=None,
        description="A C2SP tlog-policy file: the witnesses of our log, and how many must cosign.",
    )
    witness_timeout_s: float = Field(
        default=3.0, gt=0, le=30, description="How long a publication waits for witnesses, at most."
    )
    witness_pause_s: float = Field(
        default=60.0, gt=0, le=3600, description="How long a witness that fails is left alone, at most."
    )
    witnessed_logs_file: Path | None = Field(
        default=None, description="A file of tlog-policy `log` lines: the logs this node is a witness of."
    )
    witness_name: Annotated[str | None, AfterValidator(_maybe_origin)] = Field(
        default=None, description="The name this node cosigns under; unset: the origin and /witness."
    )
    federate_every_s: int | None = Field(
        default=None,
        gt=0,
        description="State each witnessed log's checkpoint on our own log, at most this often. Unset: never.",
    )
    province_url: HttpUrl | None = Field(
        default=None, description="The witness prefix of the node that states our checkpoints on its log."
    )
    province_vkey: str | None = Field(default=None, description="The verifier key of that node's log.")
    clock: Literal["system", "simulated"] = Field(
        default="system", description="Statements made under a simulated clock say so."
    )
    gateway_hosts: Annotated[str, AfterValidator(_hosts)] = Field(
        default="",
        description="Hosts (commas between) that the gateway may go to though not public, or without TLS.",
    )
    upload_limit_bytes: int = Field(
        default=512 * _MIB, gt=0, description="The largest file that a listing may have."
    )
    upload_quota_bytes: int = Field(
        default=2048 * _MIB, gt=0, description="What a member may have stored that no listing is drafted of."
    )
    upload_quota_files: int = Field(
        default=50, gt=0, description="How many such files a member may have stored."
    )
    token_ttl_s: int = Field(
        default=900, gt=0, le=86_400, description="How long an access token lives, in seconds."
    )
    session_limit_s: int = Field(
        default=43_200,
        gt=0,
        le=604_800,
        description="How long a browser's session lasts, however it is used.",
    )
    sign_in_failures: int = Field(
        default=30,
        gt=0,
        le=10_000,
        description="Failed sign-ins from one address before it waits; one is forgiven every ten seconds.",
    )
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        default="",
        description="Networks (CIDR, commas between) whose X-Forwarded-For is believed. Unset: nobody's.",
    )
    second_factor_roles: Annotated[str, AfterValidator(_role_names)] = Field(
        default="",
        description="Roles (commas between) whose people have a second factor, or do nothing but set it up.",
    )
    step_up_ttl_s: int = Field(
        default=300, gt=0, le=300, description="How fresh a person's proof must be for a custodial signature."
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="Serving processes; more than one needs PostgreSQL."
    )

    @property
    def database_dsn(self) -> str:
        """The URL to connect with: never show it."""
        if self.database_password is None:
            return self.database_url
        parts = urlsplit(self.database_url)
        user, _, place = parts.netloc.rpartition("@")
        name = user.partition(":")[0]
        password = quote(self.database_password.get_secret_value(), safe="")
        return urlunsplit(parts._replace(netloc=f"{name}:{password}@{place}"))

    @property
    def files_dir(self) -> Path:
        """Where the object store keeps its files."""
        return self.data_dir / "files"

    @property
    def log_dir(self) -> Path:
        """Where the log is published: tiles, entries, the checkpoint."""
        return self.data_dir / "log"

    @property
    def keys_dir(self) -> Path:
        """Where the node's own keys rest, each in a file that only its owner reads."""
        return self.data_dir / "keys"

    def store_key_secret(self) -> str | None:
        """The secret of the store's access key. Raises SecretUnsafe for a file that others may read."""
        if self.store_secret_file is None:
            return None if self.store_secret is None else self.store_secret.get_secret_value()
        _require_private(self.store_secret_file)
        return self.store_secret_file.read_text().strip()

    def scratch(self) -> Path:
        """Where a plaintext may stand for a moment: ours alone; made if absent."""
        folder = self.data_dir / "scratch"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    @property
    def master_key_path(self) -> Path:
        """The file of the master key."""
        return self.master_key_file or self.keys_dir / "master.key"

    @property
    def next_master_key_path(self) -> Path:
        """The file of the master key that is to take its place; it is there while that is under way."""
        return self.master_key_path.with_name(f"{self.master_key_path.name}.next")

    def master_key(self, *, turning: bool = False) -> bytes:
        """What seals everything at rest: 32 bytes, made on first use, or 64 (`base.signing.turned`).

        Raises SecretUnsafe while another is taking its place: part of what rests is under that one. Whoever
        is `turning` it over has the present one.
        """
        if not turning and self.next_master_key_path.exists():
            raise SecretUnsafe(
                f"{self.next_master_key_path} is taking its place: end it with databourse keys rotate-master"
            )
        return self.master_key_at(self.master_key_path)

    @staticmethod
    def master_key_at(path: Path) -> bytes:
        """The master key of a file. Raises SecretUnsafe."""
        return load_or_create_secret(path, lengths=MASTER_LENGTHS)


def load_or_create_secret(path: Path, *, lengths: frozenset[int] = frozenset({SECRET_BYTES})) -> bytes:
    """32 secret bytes in a file that only its owner may read; made at random when there is none.

    Of several processes that make it at once, all get the same. Raises SecretUnsafe when others may
    read the file or its length is none of these.
    """
    if not path.exists():
        create_secret(path, secrets.token_bytes(SECRET_BYTES))
    _require_private(path)
    secret = path.read_bytes()
    if len(secret) not in lengths:
        raise SecretUnsafe(f"{path} does not hold {' or '.join(map(str, sorted(lengths)))} bytes")
    return secret


def _require_private(path: Path) -> None:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretUnsafe(f"{path} can be read by others: chmod 600 {path}")


def create_secret(path: Path, secret: bytes) -> None:
    """Write a secret aside and link it to its name: whole or not at all, never replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(secret)
        handle.flush()
        os.fsync(handle.fileno())
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        pass  # another process was first: its secret is the one
    finally:
        aside.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
