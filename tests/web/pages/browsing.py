"""A browser without a script: cookies, forms found by their address, and what a page is made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from tests.web.nodes import Persona, Served
from web.deps import COOKIE

VOID: Final = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
HEADERS: Final = {"accept": "text/html,application/xhtml+xml"}


@dataclass
class FoundForm:
    """A form as a page holds it."""

    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    @property
    def values(self) -> dict[str, str]:
        return dict(self.fields)


class Page(HTMLParser):
    """What matters of a page: its tags, its text, its forms. Fails on tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.styles: list[str] = []
        self.forms: list[FoundForm] = []
        self.crossed: list[str] = []
        self._open: list[str] = []
        self._area: str | None = None
        self._select: str | None = None
        self.feed(text)
        self.close()
        self.crossed += [f"never closed: {tag}" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append((tag, known))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "form":
            self.forms.append(FoundForm(known.get("method", "get"), known.get("action", "")))
        if not self.forms or "form" not in self._open:
            return
        fields = self.forms[-1].fields
        if tag == "input" and known.get("type") not in {"checkbox", "radio", "file"}:
            fields.append((known.get("name", ""), known.get("value", "")))
        elif tag == "input" and "checked" in known:
            fields.append((known.get("name", ""), known.get("value", "on")))
        elif tag == "textarea":
            self._area = known.get("name", "")
            fields.append((self._area, ""))
        elif tag == "select":
            self._select = known.get("name", "")
        elif tag == "option" and self._select is not None:
            held = self.forms[-1].values
            if "selected" in known or self._select not in held:
                self.forms[-1].fields = [pair for pair in fields if pair[0] != self._select]
                self.forms[-1].fields.append((self._select, known.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.crossed.append(f"</{tag}> closes {self._open[-1:]}")
            if tag in self._open:
                while self._open.pop() != tag:
                    pass
            return
        self._open.pop()
        if tag == "textarea":
            self._area = None
        if tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.styles.append(data)
            return
        self.text.append(data)
        if self._area is not None:
            name, held = self.forms[-1].fields[-1]
            self.forms[-1].fields[-1] = (name, held + data)

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self) -> str:
        """The text in one line."""
        return re.sub(r"\s+", " ", " ".join(self.text)).strip()

    def form(self, action: str) -> FoundForm:
        """The form that goes to an address ending so."""
        found = [form for form in self.forms if form.action.endswith(action)]
        assert found, (action, [form.action for form in self.forms])
        return found[0]


class Browser:
    """One person at one browser."""

    def __init__(self, served: Served, persona: Persona | None = None, lang: str = "en") -> None:
        self.served, self.persona, self.lang = served, persona, lang
        self.client = served.client(headers=HEADERS)
        if persona is not None:
            self.sign_in(persona)
        self.last: httpx.Response | None = None
        self.place: httpx.URL | str = ""

    def sign_in(self, persona: Persona) -> None:
        """The cookie that signing in would give."""
        self.client.cookies.set(COOKIE, self.served.token(persona), domain="pages.test", path="/")

    async def get(self, path: str, *, expect: int = 200, follow: bool = False) -> Page:
        """A page in the browser's language; other paths (`/api`) as they are."""
        return self._seen(await self.client.get(self.address(path), follow_redirects=follow), expect)

    def address(self, path: str) -> str:
        return (
            path
            if path.split("/")[1].partition("?")[0] in {"zh", "en", "api", "static"}
            else f"/{self.lang}{path}"
        )

    async def send(
        self, page: Page, action: str, changes: Mapping[str, Any] | None = None, *, expect: int = 303
    ) -> Page:
        """Fill in a form of a page and send it, as a browser without a script does."""
        form = page.form(action)
        assert form.method == "post"
        chosen = form.values | dict(changes or {})
        sent = {name: str(value) for name, value in chosen.items() if name and value is not None}
        body = urlencode(sent).encode()
        headers = {"content-type": "application/x-www-form-urlencoded", "referer": str(self.place)}
        return self._seen(await self.client.post(form.action, content=body, headers=headers), expect)

    async def send_file(
        self, page: Page, action: str, name: str, content: bytes, *, field_name: str, expect: int = 303
    ) -> Page:
        """Send a form with a file."""
        form = page.form(action)
        answer = await self.client.post(
            form.action, data=form.values, files={field_name: (name, content, "text/csv")}
        )
        return self._seen(answer, expect)

    async def follow(self) -> Page:
        """The page that the last answer leads to."""
        assert self.last is not None
        return await self.get(self.last.headers["location"])

    @property
    def location(self) -> str:
        assert self.last is not None
        return self.last.headers["location"]

    def _seen(self, answer: httpx.Response, expect: int) -> Page:
        self.last = answer
        if answer.request.method == "GET":
            self.place = answer.url
        assert answer.status_code == expect, f"{answer.status_code}: {answer.text[:3000]}"
        return Page(answer.text)
