import base64
import stat

import orjson
import pytest
from typer.testing import CliRunner

from base.errors import Malformed
from base.signing import SigningKey
from cli.keys import app, is_sealed, read_key_file, write_key_file

run = CliRunner()


def test_a_new_key_is_written_for_its_owner_alone(tmp_path):
    file = tmp_path / "my.key"
    answer = run.invoke(app, ["new", "--out", str(file)])
    assert answer.exit_code == 0, answer.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    document = orjson.loads(file.read_bytes())
    key = SigningKey.from_bytes(base64.b64decode(document["private_key"]))
    assert document == {
        "keyid": key.keyid,
        "public_key": base64.b64encode(key.public).decode(),
        "private_key": base64.b64encode(key.to_bytes()).decode(),
    }
    assert key.keyid in answer.output
    assert document["private_key"] not in answer.output
    assert read_key_file(file).keyid == key.keyid


def test_a_key_is_never_written_over(tmp_path):
    file = tmp_path / "my.key"
    file.write_text("precious")
    answer = run.invoke(app, ["new", "--out", str(file)])
    assert answer.exit_code == 2
    assert "malformed: the key file cannot be written" in answer.output
    assert file.read_text() == "precious"


def test_a_passphrase_seals_the_private_half(tmp_path):
    file = tmp_path / "my.key"
    answer = run.invoke(app, ["new", "--out", str(file), "--passphrase"], input="open sesame\nopen sesame\n")
    assert answer.exit_code == 0, answer.output
    document = orjson.loads(file.read_bytes())
    assert set(document) == {"keyid", "public_key", "sealed_private_key", "kdf"}
    assert is_sealed(file)
    assert read_key_file(file, passphrase="open sesame").keyid == document["keyid"]
    for wrong in (None, "", "open barley"):
        with pytest.raises(Malformed):
            read_key_file(file, passphrase=wrong)


def test_a_sealed_key_does_not_open_under_another_name(tmp_path):
    file = tmp_path / "my.key"
    write_key_file(file, SigningKey.generate(), passphrase="open sesame")
    document = orjson.loads(file.read_bytes())
    file.write_bytes(orjson.dumps({**document, "keyid": "0" * 64}))
    with pytest.raises(Malformed):
        read_key_file(file, passphrase="open sesame")


def test_show_prints_what_is_registered_and_no_secret(tmp_path):
    file = tmp_path / "my.key"
    key = SigningKey.generate()
    write_key_file(file, key)
    answer = run.invoke(app, ["show", str(file)])
    public = base64.b64encode(key.public).decode()
    assert (answer.exit_code, answer.output) == (0, f"keyid       {key.keyid}\npublic key  {public}\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"keyid":"00","public_key":"AA=="}',
        b'{"keyid":"00","public_key":"AA==","private_key":"AA=="}',
        b'{"keyid":"00","public_key":"AA==","private_key":7}',
        b'{"keyid":"00","public_key":"AA==","private_key":"!"}',
        b'{"keyid":"00","public_key":"AA==","sealed_private_key":"AA=="}',
    ],
)
def test_what_is_no_key_file_is_refused(tmp_path, content):
    file = tmp_path / "my.key"
    file.write_bytes(content)
    with pytest.raises(Malformed):
        read_key_file(file, passphrase="x")


def test_a_key_under_a_false_name_is_refused(tmp_path):
    file = tmp_path / "my.key"
    write_key_file(file, SigningKey.generate())
    document = orjson.loads(file.read_bytes())
    file.write_bytes(orjson.dumps({**document, "keyid": "0" * 64}))
    with pytest.raises(Malformed):
        read_key_file(file)


def test_a_missing_file_is_said_so(tmp_path):
    answer = run.invoke(app, ["show", str(tmp_path / "none")])
    assert answer.exit_code == 2
    assert "cannot be read" in answer.output
