"""A person at a real browser, who clicks what a page says, in the page's own language.

walker = Walker(site, chromium, "buyer", "zh")
walker.sign_in()
walker.follow("Products")

What is looked for is said in English, as templates say it, and read in the walker's language. Each page that
opens is looked at: nothing in the console, nothing stopped by the content security policy, nobody else asked.
"""

from pathlib import Path
from typing import Any, Final, Self

from playwright.sync_api import Browser, Download, Locator, Page

from tests.web.nodes import PASSWORD
from tests.web.pages.driving import Site, Watch, picture
from web.pages.languages import Lang, translations

_TIMEOUT_MS: Final = 20_000


class Walker:
    """One person of the market, with a fresh profile; a context, at whose end nothing may have gone wrong."""

    def __init__(self, site: Site, chromium: Browser, login: str, lang: Lang, *, script: bool = True) -> None:
        self.site, self.login, self.lang = site, login, lang
        self.context = chromium.new_context(base_url=site.address, java_script_enabled=script)
        self.context.set_default_timeout(_TIMEOUT_MS)
        self.page: Page = self.context.new_page()
        self.watch = Watch.over(self.page, site.address)
        self.pictures = 0

    def __enter__(self) -> Self:
        self.go("/")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        wrong = self.watch.wrong
        if kind is not None:
            picture(self.page, f"stuck-{self.lang}-{self.login}")
        self.context.close()
        if kind is None:
            assert wrong == []

    def say(self, text: str, **values: Any) -> str:
        """A text of a template, as the walker reads it."""
        spoken = translations(self.lang).gettext(text)
        return spoken % values if values else spoken

    def go(self, path: str) -> None:
        """Type an address."""
        answer = self.page.goto(f"/{self.lang}{path}")
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        self._looked()

    def sign_in(self) -> None:
        """By login and password."""
        self.follow("Sign in")
        self.fill("Login", self.login)
        self.fill("Password", PASSWORD)
        self.press("Sign in")

    def follow(self, text: str, *, to: str = "") -> None:
        """Click a link by its words, or, where it shows a figure, by where it leads."""
        link = self.page.get_by_role("link", name=self.say(text), exact=True)
        if to:
            link = self.page.locator(f"main a[href='/{self.lang}{to}']")
        with self.page.expect_navigation(wait_until="load"):
            link.first.click()
        self._looked()

    def press(self, text: str, *, swaps: str = "") -> None:
        """Press a button that sends a form; where the password is asked for again, it is given.

        Where a script swaps a part of the page instead, `swaps` is what then stands there.
        """
        button = self.page.get_by_role("button", name=self.say(text), exact=True).first
        if swaps:
            button.click()
            self.sees(swaps)
        else:
            self._sent(button)
        if self.page.get_by_role("heading", name=self.say("Confirm your password"), exact=True).count():
            self.watch.said.clear()  # the browser itself tells of the 403 that asks for the password
            self.fill("Password", PASSWORD)
            self._sent(self.page.get_by_role("button", name=self.say("Confirm and go on"), exact=True))
        self._looked()

    def _sent(self, button: Locator) -> None:
        with self.page.expect_navigation(wait_until="load"):
            button.click()

    def open(self, text: str) -> None:
        """Open what is folded away under a summary."""
        self.page.locator("summary").get_by_text(self.say(text), exact=True).click()

    def download(self, text: str) -> bytes:
        """Click what hands out a file; answers its bytes."""
        with self.page.expect_download() as waited:
            for role in ("button", "link"):
                found = self.page.get_by_role(role, name=self.say(text), exact=True)
                if found.count():
                    found.first.click()
                    break
        got: Download = waited.value
        return Path(got.path()).read_bytes()

    def give(self, label: str, name: str, raw: bytes) -> None:
        """Choose a file of one's own."""
        file = {"name": name, "mimeType": "text/csv", "buffer": raw}
        self._field(label, "main").set_input_files(file)  # type: ignore[arg-type]

    def fill(self, label: str, value: str, *, within: str = "main", number: int = 0) -> None:
        """Write into a field, the first of that name or a later one."""
        self._field(label, within, number).fill(value)

    def choose(self, label: str, value: str, *, within: str = "main") -> None:
        """Choose in a list, by the value or by the words shown."""
        self._field(label, within).select_option(value)

    def tick(self, label: str, *, within: str = "main") -> None:
        """Tick a box."""
        self._field(label, within).check()

    def sees(self, text: str, **values: Any) -> None:
        """The page says so where it can be seen, now or in a moment."""
        self.page.get_by_text(self.say(text, **values)).locator("visible=true").first.wait_for()

    def _field(self, label: str, within: str, number: int = 0) -> Locator:
        return self.page.locator(within).get_by_label(self.say(label), exact=True).nth(number)

    def _looked(self) -> None:
        self.pictures += 1
        picture(self.page, f"walk-{self.lang}-{self.login}-{self.pictures:02}")
        assert self.watch.wrong == []
