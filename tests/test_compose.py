"""`docker-compose.yml` follows the Compose Specification and names only what exists; the image is modest.

The schema below is the part of the specification's published JSON schema that we use, with the same names
and types and nothing optional left open: what passes here passes there.
"""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from jsonschema import Draft7Validator

from bank.__main__ import _arguments as bank_arguments
from base.settings import Settings
from cli.main import load
from web.api import status

ROOT: Final = Path(__file__).resolve().parent.parent
NAME: Final = "^[a-zA-Z0-9._-]+$"
DURATION: Final = {"type": "string", "pattern": r"^(\d+(us|ms|s|m|h))+$"}
TEXTS: Final = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}


def named(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "patternProperties": {NAME: schema}, "additionalProperties": False}


def closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


SERVICE: Final = closed(
    image={"type": "string"},
    build={"type": "string"},
    command={"type": "array", "items": {"type": "string"}},
    environment={
        "type": "object",
        "patternProperties": {".+": {"type": ["string", "number", "boolean", "null"]}},
        "additionalProperties": False,
    },
    ports={"type": "array", "items": {"type": ["string", "number"]}, "uniqueItems": True},
    volumes={"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    networks=TEXTS,
    depends_on=named(
        {
            **closed(
                condition={
                    "enum": ["service_started", "service_healthy", "service_completed_successfully"],
                }
            ),
            "required": ["condition"],
        }
    ),
    healthcheck=closed(
        disable={"type": "boolean"},
        test={"type": "array", "items": {"type": "string"}},
        interval=DURATION,
        timeout=DURATION,
        retries={"type": "number"},
        start_period=DURATION,
    ),
    restart={"enum": ["no", "always", "on-failure", "unless-stopped"]},
    read_only={"type": "boolean"},
    tmpfs=TEXTS,
    cap_add=TEXTS,
    cap_drop=TEXTS,
    security_opt=TEXTS,
    stop_grace_period=DURATION,
)
SCHEMA: Final = {
    **closed(
        name={"type": "string"},
        services=named(SERVICE),
        networks=named(closed(internal={"type": "boolean"})),
        volumes=named(closed()),
    ),
    "patternProperties": {"^x-": {}},
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_file_follows_the_compose_specification(compose) -> None:
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(compose)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("services", "web", "comand"), []),
        (("services", "web", "depends_on"), {"postgres": {"condition": "healthy"}}),
        (("services", "web", "healthcheck"), {"interval": 5}),
        (("services", "web", "cap_drop"), "ALL"),
        (("servics",), {}),
    ],
)
def test_the_schema_refuses_what_the_specification_refuses(compose, path, value) -> None:
    bent = yaml.safe_load(yaml.safe_dump(compose))
    place = bent
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert list(Draft7Validator(SCHEMA).iter_errors(bent)) != []


def test_the_services_of_the_issue_are_there(compose) -> None:
    assert set(compose["services"]) == {"postgres", "migrate", "web", "sequencer", "bank"}
    name, _, version = compose["services"]["postgres"]["image"].partition(":")
    assert (name, int(version) >= 16) == ("postgres", True)


def test_what_is_named_exists(compose) -> None:
    for service in compose["services"].values():
        if "build" in service:
            assert (ROOT / service["build"] / "Dockerfile").is_file()
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (ROOT / source).exists(), volume
        assert set(service.get("networks", [])) <= set(compose["networks"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])


def test_what_is_waited_for_as_healthy_has_a_health_check(compose) -> None:
    for service in compose["services"].values():
        for name, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "test" in compose["services"][name]["healthcheck"]


def test_every_setting_that_is_passed_exists(compose) -> None:
    known = {f"DATABOURSE_{name.upper()}" for name in Settings.model_fields}
    for name in ("web", "sequencer", "migrate"):
        assert set(compose["services"][name]["environment"]) <= known


def test_every_command_that_is_run_exists(compose) -> None:
    """Asked of the commands themselves, with the very options that stand in the file."""
    for name in ("web", "sequencer", "migrate"):
        program, *arguments = compose["services"][name]["command"]
        assert program == "databourse"
        command = load(arguments[0])
        assert command.make_context(name, arguments[1:], resilient_parsing=False).params is not None
    bank = compose["services"]["bank"]["command"]
    assert bank[:3] == ["python", "-m", "bank"]
    asked = bank_arguments().parse_args(bank[3:])
    assert (asked.port, asked.exchange_url, asked.control) == (8100, "http://web:8000", False)


def test_the_health_check_asks_what_the_application_answers(dockerfile) -> None:
    (path,) = re.findall(r"http://127\.0\.0\.1:8000(/[a-z/]+)", dockerfile)
    assert path in {getattr(route, "path", None) for route in status.alive.routes}


def test_no_secret_stands_in_the_file_and_the_password_has_no_default(compose) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET$|TOKEN", name):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?.+\}", value), name


def test_every_service_is_read_only_and_gives_up_its_capabilities(compose) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_only_the_pages_are_reached_from_outside_and_only_from_this_machine(compose) -> None:
    published = {
        name: service["ports"] for name, service in compose["services"].items() if "ports" in service
    }
    assert published == {"web": ["127.0.0.1:8000:8000"]}
    assert compose["networks"]["inside"] == compose["networks"]["bank"] == {"internal": True}


def test_the_bank_sees_no_database(compose) -> None:
    assert "inside" not in compose["services"]["bank"]["networks"]
    assert "environment" not in compose["services"]["bank"]


def test_the_image_runs_as_nobody_in_particular(dockerfile) -> None:
    final = dockerfile.rpartition("\nFROM ")[2]
    (user,) = re.findall(r"^USER (\S+)$", final, re.MULTILINE)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert final.index("\nUSER ") > final.index("\nCOPY ")
    assert "\nHEALTHCHECK " in final


def test_the_image_installs_from_the_hashed_lock_and_copies_what_exists(dockerfile) -> None:
    assert "pip install --require-hashes -r requirements.lock" in dockerfile
    assert "pip install --no-deps --no-build-isolation ." in dockerfile
    for source in re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE):
        assert (ROOT / source).exists()
    assert re.search(r"^ENV.*(PASSWORD|SECRET|TOKEN|KEY)=", dockerfile, re.MULTILINE) is None
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored, "nothing enters the image that is not named"
    for line in ignored:
        if line.startswith("!"):
            assert (ROOT / line[1:]).exists(), line
