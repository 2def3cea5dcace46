"""What a browser gets that is sent away while too much is under way: a page, in its language.

It is made once and looked at by nobody: no database, no session, not even the rest of the application.
"""

from functools import cache
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from base.errors import Busy
from web.pages import languages
from web.pages.languages import Lang
from web.pages.visiting import environment

_READING: Final = frozenset({"GET", "HEAD"})


def page_for(scope: Scope) -> bytes | None:
    """The page for a browser; None for whoever asked for something else, who gets a problem document.

    A page is what stands below /zh or /en, and the way there; a client of the API names no text/html.
    """
    headers = Headers(scope=scope)
    accept, lang = headers.get("accept", "*/*"), languages.lang_of(scope["path"])
    if lang is None and (scope["path"] != "/" or "text/html" not in accept):
        return None
    if "text/html" not in accept and "*/*" not in accept:
        return None
    if lang is None:
        known = cookie_parser(headers.get("cookie", "")).get(languages.COOKIE)
        lang = languages.preferred(known, headers.get("accept-language"))
    return _page(lang, sends=scope["method"] not in _READING)


@cache
def _page(lang: Lang, *, sends: bool) -> bytes:
    template = environment(lang).get_template("busy.html")
    return template.render(title=Busy.title, code=Busy.code, sends=sends).encode()
