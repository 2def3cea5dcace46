"""Settings: closed unless opened, and secrets that only their owner reads."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from base.settings import SecretUnsafe, Settings, load_or_create_secret


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("DATABOURSE_")]:
        monkeypatch.delenv(name)


def test_what_is_not_set_is_closed() -> None:
    settings = Settings()
    assert settings.database_url == "sqlite+aiosqlite:///var/databourse.db"
    assert settings.bank_key is None
    assert settings.clock == "system"
    assert settings.upload_limit_bytes == 536_870_912
    assert settings.public_url == "http://127.0.0.1:8000"


def test_the_environment_sets_and_an_empty_value_is_no_value(monkeypatch) -> None:
    monkeypatch.setenv("DATABOURSE_PUBLIC_URL", "https://exchange.example/")
    monkeypatch.setenv("DATABOURSE_BANK_KEY", "")
    monkeypatch.setenv("DATABOURSE_UPLOAD_LIMIT_BYTES", "1000")
    settings = Settings()
    assert (settings.public_url, settings.bank_key) == ("https://exchange.example", None)
    assert settings.upload_limit_bytes == 1000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "postgresql://db/x"),
        ("database_url", "sqlite:///x.db"),
        ("origin", "https://exchange.example/log"),
        ("origin", "exchange.example/"),
        ("origin", "exchange.example/log\nforged"),
        ("origin", "exchange.example/" + "l" * 184),
        ("public_url", "javascript:alert(1)"),
        ("public_url", "https://user@exchange.example"),
        ("store_url", "https://bucket.example"),
        ("store_url", "s3://"),
        ("store_url", "s3://goods/../keys"),
        ("store_endpoint", "s3://goods"),
        ("bank_url", "file:///etc/passwd"),
        ("bank_key", base64.b64encode(b"short").decode()),
        ("bank_key", "not base64!"),
        ("clock", "sundial"),
        ("upload_limit_bytes", 0),
        ("step_up_ttl_s", 301),
        ("workers", 0),
    ],
)
def test_a_wrong_setting_is_refused_at_the_start(name, value) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: value})


def test_the_secret_of_a_store_comes_from_the_environment_or_a_private_file_and_is_shown_nowhere(tmp_path):
    assert Settings().store_key_secret() is None
    told = Settings(store_url="s3://goods/city", store_key_id="AK", store_secret="hush-hush")
    assert (told.store_key_secret(), "hush" in repr(told)) == ("hush-hush", False)
    file = tmp_path / "secret"
    file.write_text("from-a-file\n")
    file.chmod(0o644)
    with pytest.raises(SecretUnsafe):
        Settings(store_secret_file=file).store_key_secret()
    file.chmod(0o600)
    assert Settings(store_secret_file=file).store_key_secret() == "from-a-file"


def test_a_password_is_put_into_the_url_when_it_is_used_and_shown_nowhere() -> None:
    settings = Settings(
        database_url="postgresql+asyncpg://databourse@postgres:5432/databourse?ssl=disable",
        database_password="p@ss:w/rd%",
    )
    assert settings.database_dsn == (
        "postgresql+asyncpg://databourse:p%40ss%3Aw%2Frd%25@postgres:5432/databourse?ssl=disable"
    )
    assert "p@ss" not in repr(settings)
    assert Settings().database_dsn == Settings().database_url


def test_a_secret_is_made_once_private_and_kept(tmp_path) -> None:
    path = tmp_path / "keys" / "master.key"
    secret = load_or_create_secret(path)
    assert len(secret) == 32
    assert load_or_create_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["master.key"]
    assert load_or_create_secret(tmp_path / "other.key") != secret


def test_many_that_make_the_secret_at_once_get_the_same(tmp_path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: load_or_create_secret(tmp_path / "k"), range(32)))
    assert len(set(made)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["k"]


def test_a_secret_that_others_may_read_is_refused(tmp_path) -> None:
    path = tmp_path / "master.key"
    load_or_create_secret(path)
    path.chmod(0o640)
    with pytest.raises(SecretUnsafe, match="chmod 600"):
        load_or_create_secret(path)


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_file_that_holds_no_secret_is_refused_and_left_alone(tmp_path, content) -> None:
    path: Path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SecretUnsafe, match="32 bytes"):
        load_or_create_secret(path)
    assert path.read_bytes() == content


def test_the_master_key_stands_in_the_data_folder_unless_told_otherwise(tmp_path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.master_key() == (tmp_path / "keys" / "master.key").read_bytes()
    elsewhere = tmp_path / "elsewhere.key"
    assert Settings(data_dir=tmp_path, master_key_file=elsewhere).master_key() == elsewhere.read_bytes()
