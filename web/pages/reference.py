"""The API for people: every call of `/api/v1` by its subject, read from the application's own description."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Query, Request
from starlette.responses import RedirectResponse, Response

from base.errors import NotFound
from web.pages.languages import COOKIE, preferred
from web.pages.visiting import VisitorDep

router = APIRouter()
root = APIRouter(include_in_schema=False)
_OTHER: Final = "other"
_BOUNDS: Final = (("minimum", "≥ {}"), ("maximum", "≤ {}"), ("maxLength", "≤ {} chars"), ("pattern", "{}"))


@dataclass(frozen=True, slots=True)
class Part:
    """A parameter of a call, or a field of what is sent or answered."""

    name: str
    where: str
    form: str
    needed: bool
    says: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what it does, what it takes, what it answers."""

    method: str
    path: str
    says: str
    parts: tuple[Part, ...]
    answers: tuple[Part, ...]

    @property
    def name(self) -> str:
        """Where it stands on its page."""
        return f"{self.method}-{self.path}".lower().translate(str.maketrans("/{}.", "----"))


@root.get("/api/docs")
async def entrance(request: Request) -> Response:
    """To the reference in the visitor's language."""
    lang = preferred(request.cookies.get(COOKIE), request.headers.get("accept-language"))
    response = RedirectResponse(f"/{lang}/api", status_code=303)
    response.headers["vary"] = "Cookie, Accept-Language"
    return response


@router.get("/api")
async def reference(visitor: VisitorDep, about: Annotated[str, Query(max_length=40)] = "") -> Response:
    """The subjects of the API; with one chosen its calls. Raises NotFound."""
    subjects = _subjects(visitor.request.app)
    if about and about not in subjects:
        raise NotFound("the API has no such subject", about=about)
    counts = {name: len(calls) for name, calls in sorted(subjects.items())}
    return visitor.render("api.html", about=about, calls=subjects.get(about, ()), counts=counts)


def _subjects(app: FastAPI) -> Mapping[str, tuple[Call, ...]]:
    """Every call by its first tag; made once in the life of an application."""
    found: dict[str, tuple[Call, ...]] | None = getattr(app.state, "api_subjects", None)
    if found is None:
        gathered: dict[str, list[Call]] = {}
        described = app.openapi()
        forms = described["components"]["schemas"]
        for path, methods in described["paths"].items():
            if path.startswith("/api/v1/"):
                for method, told in methods.items():
                    name = (told.get("tags") or [_OTHER])[0]
                    gathered.setdefault(name, []).append(_call(method.upper(), path, told, forms))
        found = {name: tuple(calls) for name, calls in gathered.items()}
        app.state.api_subjects = found
    return found


def _call(method: str, path: str, told: Mapping[str, Any], forms: Mapping[str, Any]) -> Call:
    parts = [
        Part(one["name"], one["in"], form_of(one["schema"]), one.get("required", False), _says(one))
        for one in told.get("parameters", ())
    ]
    for kind, sent in told.get("requestBody", {}).get("content", {}).items():
        parts += _fields(sent.get("schema", {}), forms, "body" if "json" in kind else kind)
    answers = [
        part
        for status, answer in told["responses"].items()
        if status.startswith("2")
        for kind, one in answer.get("content", {}).items()
        for part in _fields(one.get("schema", {}), forms, kind)
    ]
    return Call(method, path, told.get("description", ""), tuple(parts), tuple(answers))


def _fields(schema: Mapping[str, Any], forms: Mapping[str, Any], where: str) -> Iterator[Part]:
    """The fields of an object, or of the objects of a list; of anything else its form alone."""
    inner = schema.get("items", schema)
    named = forms.get(inner.get("$ref", "").rpartition("/")[2], inner)
    if "properties" not in named:
        yield Part("", where, form_of(schema), needed=True, says="")
        return
    needed = named.get("required", ())
    for name, one in named["properties"].items():
        yield Part(name, where, form_of(one), name in needed, _says(one))


def _says(one: Mapping[str, Any]) -> str:
    return str(one.get("description", ""))


def form_of(schema: Mapping[str, Any]) -> str:
    """What a value looks like, in short: `integer ≥ 1 ≤ 100`, `"FILE" | "API"`, `[string]`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(form_of(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema or "const" in schema:
        return " | ".join(f'"{one}"' for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"[{form_of(schema.get('items', {}))}]"
    plain = schema.get("format") or schema.get("type") or "any"
    return " ".join([plain, *(says.format(schema[name]) for name, says in _BOUNDS if name in schema)])
