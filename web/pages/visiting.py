"""A visit: who comes, in which language, and how a page is answered."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.datastructures import URL
from starlette.responses import HTMLResponse, RedirectResponse, Response

from base.errors import Forbidden, Unauthenticated
from web.deps import COOKIE as SESSION_COOKIE
from web.deps import NodeDep
from web.node import Node
from web.packing import pack
from web.pages import assets, languages, member_words, rule_words, showing, words
from web.pages.forms import Filled, Form, Problem, fresh_key, read_form
from web.pages.languages import LANGS, NAMES, TAGS, Lang, Named, particular, translations
from web.pages.session import (
    FORM_COOKIE,
    FormExpired,
    FormTokens,
    Session,
    forget_session,
    is_secure,
    remember_session,
    session_of,
)
from web.problems import request_id_of

TEMPLATES: Final = Path(__file__).parent.parent / "templates"
SUPERVISORS: Final = frozenset({"DATA_AUTHORITY", "SAMR", "CAC", "AUDITOR", "EXCHANGE_OPERATOR"})
REGULATORS: Final = frozenset({"DATA_AUTHORITY", "SAMR", "CAC"})
PARTIES: Final = frozenset({"PROVIDER", "BUYER", "BROKER"})
SELLERS: Final = frozenset({"PROVIDER", "BROKER"})
OPERATOR: Final = frozenset({"EXCHANGE_OPERATOR"})
VIEWS: Final = ("large", "contrast", "nokeys")
VIEW_COOKIE: Final = "databourse_view"
_MARKS: Final[Mapping[Lang, Mapping[str, str]]] = {
    "zh": {"pause": "、", "comma": "，", "semicolon": "；", "colon": "："},
    "en": {"pause": ", ", "comma": ", ", "semicolon": "; ", "colon": ": "},
}
"""What stands between words on a page; `pause` between the members of a list."""
_LATER: Final = frozenset({429, 503})
_YEAR_S: Final = 365 * 24 * 3600


@cache
def environment(lang: Lang) -> Environment:
    """The templates in a language."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.policies["ext.i18n.trimmed"] = True
    spoken = translations(lang)
    env.install_gettext_translations(spoken, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    env.filters |= showing.filters(lang)

    def word(code: str, group: str) -> str:
        return spoken.gettext(words.word(group, code))

    def code(value: str) -> str:
        group = next((one for one in ("role", "state", "event") if value in words.GROUPS[one]), None)
        return value if group is None else word(value, group)

    def told(problem: Problem) -> str:
        said = spoken.gettext(problem.text)
        if said == problem.text:  # what a refusal says, at the field that it names
            said = particular(said, lang, code) or said
        return said % problem.values if problem.values else said

    def named(name: str) -> str:
        known = member_words.WORDS.get(name)
        return spoken.gettext(known) if known else _in_english(name.replace("_", " "), lang)

    def explained(detail: str) -> str:
        return particular(detail, lang, code) or _in_english(detail, lang)

    def rule_number(name: str) -> str:
        return rule_words.said(lang, "number", name)

    def rule_unit(unit: str) -> str:
        return rule_words.said(lang, "unit", unit)

    def badge(state: str) -> Markup:
        return Markup('<span class="badge {}">{}</span>').format(words.tone(state), word(state, "state"))

    env.filters |= {"word": word, "translated": spoken.gettext, "badge": badge}
    env.filters |= {"rule_number": rule_number, "rule_unit": rule_unit}
    env.filters |= {"named": named, "explained": explained, "told": told}
    env.globals |= _MARKS[lang]
    env.globals |= {
        "lang": lang,
        "tag": TAGS[lang],
        "words": words.GROUPS,
        "fresh_key": fresh_key,
        "asset": assets.address,
        "sheet": assets.sheet,
    }
    return env


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who visits a page, signed in or not, and what the page's answer needs."""

    request: Request
    node: Node
    lang: Lang
    session: Session | None
    tokens: FormTokens
    nonce: str

    @property
    def user_id(self) -> str:
        """The person's id, empty for nobody."""
        return "" if self.session is None else self.session.claims.user_id

    @property
    def has_ended(self) -> bool:
        """Whether the browser shows a session that has ended: its cookie goes with this answer."""
        return self.session is None and SESSION_COOKIE in self.request.cookies

    @property
    def org_id(self) -> str | None:
        """The organisation acted for."""
        return None if self.session is None else self.session.actor.org_id

    @property
    def roles(self) -> frozenset[str]:
        """The roles the visitor may act in."""
        return frozenset() if self.session is None else self.session.actor.roles

    def may(self, roles: Iterable[str]) -> bool:
        """Whether one of the roles is the visitor's."""
        return not self.roles.isdisjoint(roles)

    def require(self, roles: Iterable[str] | None = None) -> Session:
        """The session, if there is one with one of these roles. Raises Unauthenticated, Forbidden."""
        if self.session is None:
            raise Unauthenticated("this page is for members: sign in")
        if roles is not None and not self.may(roles):
            raise Forbidden("your role does not reach this", roles=sorted(roles))
        return self.session

    def url(self, path: str, **query: str | int | None) -> str:
        """A page's address in the visitor's language; empty and None query values are left out."""
        asked = urlencode({name: value for name, value in query.items() if value not in {None, ""}})
        return f"/{self.lang}{path}" + (f"?{asked}" if asked else "")

    def say(self, text: str, **values: Any) -> str:
        """A text in the visitor's language."""
        spoken = translations(self.lang).gettext(text)
        return spoken % values if values else spoken

    def named(self, label: Named) -> str:
        """A name in the visitor's language."""
        return label.zh if self.lang == "zh" else label.en

    def labelled(self, labels: Mapping[Any, Named]) -> list[tuple[str, str]]:
        """The options of a choice whose names stand in both languages."""
        return [(str(code), self.named(label)) for code, label in labels.items()]

    def listed(self, parts: Iterable[str]) -> str:
        """Several in one line, as the visitor's language puts a mark between them."""
        return _MARKS[self.lang]["pause"].join(parts)

    def options(self, group: str, codes: Iterable[str]) -> list[tuple[str, str]]:
        """The options of a choice: each code with its word."""
        return [(str(code), self.say(words.word(group, str(code)))) for code in codes]

    async def form(self) -> Form:
        """The form that was sent, if this session's page made it. Raises FormExpired, Malformed, TooLarge."""
        form = await read_form(self.request)
        try:
            self.check(form.text("csrf"))
        except FormExpired as expired:
            expired.kept = form.kept()
            raise
        return form

    def check(self, token: str) -> None:
        """Raises FormExpired unless this session's page made the form."""
        self.tokens.check(self.request, self.user_id, token)

    def render(
        self,
        template: str,
        *,
        status: int | None = None,
        filled: Filled | None = None,
        refresh_s: int | None = None,
        **context: Any,
    ) -> Response:
        """A page. Where htmx asks for one block of it by its target, that block alone.

        A form that came back (`filled`) gives the page its status, where none is named.
        """
        page = environment(self.lang).get_template(template)
        filled = filled or Filled()
        whole = context | self._common() | {"filled": filled}
        block = _asked_block(self.request)
        if block is not None and block in page.blocks:
            text = "".join(page.blocks[block](page.new_context(whole)))
        else:
            text = page.render(whole)
        response = HTMLResponse(text, status_code=filled.status if status is None else status)
        if response.status_code in _LATER:  # RFC 9110 §10.2.3, RFC 6585 §4
            told = filled.error or context.get("told")
            response.headers["retry-after"] = str(told.facts.get("retry_after_s", 1) if told else 1)
        response.headers["vary"] = "Cookie, HX-Request, HX-Target"
        response.headers["cache-control"] = "private, no-store" if self.session else "no-cache"
        if refresh_s is not None:
            response.headers["refresh"] = str(refresh_s)
        pack(response, self.request.headers)
        return self._dressed(response)

    def redirect(self, path: str, **query: str | int | None) -> Response:
        """Go to a page of ours, after a form (303)."""
        return self._dressed(RedirectResponse(self.url(path, **query), status_code=303))

    def _common(self) -> dict[str, Any]:
        request = self.request
        other: Lang = "en" if self.lang == "zh" else "zh"
        rest = _rest_of(request)
        path = rest.partition("?")[0]
        return {
            "visitor": self,
            "url": self.url,
            "path": path,
            "here": f"/{self.lang}{rest}",
            "sent_to": request.url.path,
            "alternates": {TAGS[lang]: f"/{lang}{rest}" for lang in LANGS},
            "other_lang": other,
            "other_name": NAMES[other],
            "other_tag": TAGS[other],
            "csrf": self.tokens.token(self.nonce, self.user_id),
            "now": self.node.clock.now(),
            "simulated": self.node.clock.simulated,
            "view": " ".join(chosen_view(request)),
            "request_id": request_id_of(request),
        }

    def _dressed(self, response: Response) -> Response:
        """With the cookies that a visit leaves: language, form nonce, the renewed session."""
        cookies = self.request.cookies
        secure = is_secure(self.node)
        if cookies.get(languages.COOKIE) != self.lang:
            response.set_cookie(languages.COOKIE, self.lang, max_age=_YEAR_S, samesite="lax", secure=secure)
        if cookies.get(FORM_COOKIE) != self.nonce:
            response.set_cookie(FORM_COOKIE, self.nonce, httponly=True, samesite="strict", secure=secure)
        if self.session is not None and self.session.renewed:
            remember_session(response, self.node, self.session.token)
        elif self.has_ended:
            forget_session(response)
        return response


def _told(problem: Problem, said: str, explained: Callable[[str], str]) -> str:
    """What is wrong with a field: a text of forms, or else what an act has found, as refusals are told."""
    shown = explained(said) if said == problem.text else said
    return shown % problem.values if problem.values else shown


def _in_english(text: str, lang: Lang) -> str:
    """A text that only English says, marked so on a Chinese page."""
    return text if lang == "en" else Markup('<span lang="en">{}</span>').format(text)


def _asked_block(request: Request) -> str | None:
    """The block that htmx wants; the whole page for boosted links and restored history."""
    headers: Mapping[str, str] = request.headers
    whole = "hx-boosted" in headers or "hx-history-restore-request" in headers
    return None if whole or headers.get("hx-request") != "true" else headers.get("hx-target")


def _rest_of(request: Request) -> str:
    """Where the visitor is, after the language, with the query: after a form the page that it stood on."""
    place = request.url
    if request.method not in {"GET", "HEAD"}:
        came_from = URL(request.headers.get("referer", ""))
        place = came_from if came_from.netloc == place.netloc else URL("/")
    lang = languages.lang_of(place.path)
    if lang is None:
        return "/"
    return (place.path[len(lang) + 1 :] or "/") + (f"?{place.query}" if place.query else "")


def chosen_view(request: Request) -> list[str]:
    """The visitor's display choices: large print, high contrast, no keys of ours."""
    chosen = request.cookies.get(VIEW_COOKIE, "").split(".")
    return [view for view in VIEWS if view in chosen]


async def visitor_of(request: Request, node: NodeDep) -> Visitor:
    """Whoever asks for a page."""
    tokens: FormTokens = request.app.state.form_tokens
    lang = languages.lang_of(request.url.path) or languages.preferred(
        request.cookies.get(languages.COOKIE), request.headers.get("accept-language")
    )
    return Visitor(request, node, lang, await session_of(request, node), tokens, tokens.nonce_of(request))


VisitorDep = Annotated[Visitor, Depends(visitor_of)]
