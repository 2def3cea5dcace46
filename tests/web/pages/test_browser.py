"""Some pages in a real browser: accessible, strict, with and without a script, on paper and on a phone."""

import base64
import hashlib
import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from base.signing import SigningKey
from ledger.checkpoint import COSIGNATURE, Checkpoint, NoteSigner, Receipt, VerifierKey, sign_checkpoint
from ledger.tree import leaf_hash
from tests.web.pages.driving import visit

pytestmark = pytest.mark.browser


LOOKS = [("contrast", "light"), ("contrast", "dark"), ("large", "light")]  # as it is: test_all_pages


@pytest.mark.parametrize(("view", "scheme"), LOOKS)
def test_colours_and_sizes_of_choice_stay_readable(site, chromium, scheme, view) -> None:
    context = visit(site, chromium, "buyer", color_scheme=scheme)
    context.add_cookies([{"name": "databourse_view", "value": view, "url": site.address}])
    page = context.new_page()
    page.goto(f"/zh/trades/{site.market.ids['settled']}")
    found = Axe().run(page, options={"runOnly": ["color-contrast", "target-size"]})
    assert [violation["id"] for violation in found.response["violations"]] == []
    context.close()


def test_filters_stand_open_beside_results_and_fold_on_a_phone_and_nothing_else_opens(site, chromium) -> None:
    context = visit(site, chromium, None)
    page = context.new_page()
    page.goto("/en/products?q=zz-nothing")  # what is chosen can be taken back: the filters are open
    assert page.locator("aside.facets details").get_attribute("open") is not None
    page.goto("/en/products")
    inside = page.locator("aside.facets details > :not(summary)").first
    assert inside.is_visible()
    assert not page.locator("aside.facets summary").is_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    assert not inside.is_visible()
    page.locator("aside.facets summary").click()
    assert inside.is_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/en/")
    assert page.locator("main details").count() > 0
    assert page.locator("main details > :not(summary) >> visible=true").count() == 0
    context.close()


def test_the_keyboard_reaches_everything_and_is_seen(site, chromium) -> None:
    context = visit(site, chromium, "provider")
    page = context.new_page()
    page.goto(f"/en/trades/{site.market.ids['negotiating']}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.textContent.trim().slice(0, 30)"))
        width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        on_body = page.evaluate("document.activeElement === document.body")
        assert on_body or width == "3px"
    assert {"Accept this offer", "Make an offer of your own", "Refuse to deal", "Sign out"} <= seen
    context.close()


def test_keys_lead_through_the_pages_until_they_are_switched_off(site, chromium) -> None:
    context = visit(site, chromium, None)
    page = context.new_page()
    page.goto("/en/ledger")
    rows = page.locator("main tbody tr a[href*='/ledger/']")
    for key, row in (("j", 0), ("j", 1), ("k", 0)):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.href").endswith(rows.nth(row).get_attribute("href"))
    page.keyboard.press("/")
    page.keyboard.type("gp?")  # in a field they are letters
    assert page.evaluate("document.activeElement.value") == "gp?"
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/en/products")
    page.keyboard.press("?")
    page.wait_for_url("**/en/accessibility#keys")
    page.get_by_role("button", name="Switch these keys off").click()
    page.get_by_role("button", name="Switch these keys on again").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.keyboard.press("j")
    assert page.url.endswith("/en/accessibility")
    context.close()


def test_what_is_shown_in_short_is_copied_whole(site, chromium) -> None:
    context = visit(site, chromium, None, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"/en/products/{site.market.ids['listed']}")
    copy = page.get_by_role("button", name="copy").first
    copy.wait_for()
    whole = page.locator("main dl.facts code[title]").first.get_attribute("title")
    copy.click()
    page.get_by_role("button", name="copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == whole
    found = Axe().run(page)
    assert [violation["id"] for violation in found.response["violations"]] == []
    context.close()


def test_a_search_with_a_script_swaps_the_results_and_the_address(site, chromium) -> None:
    context = visit(site, chromium, None)
    page = context.new_page()
    page.goto("/zh/products")
    page.get_by_role("searchbox").fill("没有这样的数据")
    with page.expect_response(
        lambda answer: "没有" in answer.request.url or "%E6%B2%A1" in answer.request.url
    ) as told:
        page.get_by_role("button", name="搜索").click()
    assert told.value.request.headers["hx-request"] == "true"
    page.get_by_text("没有符合条件的产品").wait_for()
    assert "q=" in page.url
    page.go_back()
    page.get_by_text("2025年广东省工业企业月度用电指数数据集").wait_for()
    context.close()


def test_without_a_script_the_search_and_the_forms_work_as_plain_pages(site, chromium) -> None:
    context = visit(site, chromium, "buyer", java_script_enabled=False)
    page = context.new_page()
    page.goto("/en/products")
    page.get_by_role("searchbox").fill("用电")
    page.get_by_role("button", name="Search").click()
    assert "q=" in page.url
    page.get_by_role("link", name="2025年广东省工业企业月度用电指数数据集").click()
    page.get_by_label("Purpose").fill("a credit model")
    page.get_by_role("button", name="Send the inquiry").click()
    page.get_by_label("Password").fill("correct horse 电池 staple")
    page.get_by_role("button", name="Confirm and go on").click()
    page.get_by_text("The provider answers with an offer").wait_for()
    assert "/en/trades/trd_" in page.url
    context.close()


def test_on_paper_the_forms_are_gone_and_hashes_whole(site, chromium) -> None:
    context = visit(site, chromium, "provider")
    page = context.new_page()
    page.goto(f"/zh/trades/{site.market.ids['negotiating']}")
    page.emulate_media(media="print")
    assert not page.get_by_role("button").first.is_visible()
    assert not page.get_by_role("navigation").first.is_visible()
    assert page.get_by_text("¥760,000.00").is_visible()
    whole = page.evaluate(
        "getComputedStyle(document.querySelector('code.id'), '::after').content.includes('trd_')"
    )
    assert whole
    context.close()


def test_the_readers_own_browser_verifies_an_entry_and_finds_a_forged_one(site, chromium) -> None:
    context = visit(site, chromium, None)
    page = context.new_page()
    marks = page.locator("#verify .steps .mark")
    page.goto("/en/ledger/40")
    page.get_by_role("button", name="Verify in my browser").click()
    page.get_by_text("Recomputed in your browser: everything holds.").wait_for()
    assert marks.all_text_contents() == ["✓", "✓", "✓", "✓", "–", "–"]  # the first look; no witness is asked
    page.goto("/en/ledger/0")  # a path of another shape
    page.get_by_role("button", name="Verify in my browser").click()
    page.get_by_text("Recomputed in your browser: everything holds.").wait_for()
    assert marks.all_text_contents() == ["✓"] * 5 + ["–"]
    kept = page.evaluate("Object.entries(localStorage)")
    assert [name for name, _ in kept] == ["databourse:checkpoint:exchange.example/test"]
    page.evaluate(f"localStorage[Object.keys(localStorage)[0]] = {_forked(kept)}")
    page.get_by_role("button", name="Verify in my browser").click()
    page.get_by_role("alert").get_by_text("Your browser has found").wait_for()
    assert marks.all_text_contents() == ["✓", "✓", "✓", "✓", "✗", "–"]
    page.evaluate("localStorage.clear()")

    def forged(route) -> None:
        told = route.fetch()
        route.fulfill(response=told, body=told.body().replace(b'"v":1}', b'"v":2}'))

    page.route("**/api/v1/ledger/entries/40/entry.json", forged)
    page.goto("/en/ledger/40")
    assert not page.get_by_text("Your browser has found").is_visible()
    page.get_by_role("button", name="Verify in my browser").click()
    page.get_by_role("alert").get_by_text("Your browser has found").wait_for()
    assert marks.all_text_contents() == ["✗", "✓", "✗", "✓", "–", "–"]
    assert page.evaluate("localStorage.length") == 0  # what does not hold is not remembered
    context.close()


def test_a_reader_has_the_browser_forget_what_both_of_its_checks_remember(site, chromium) -> None:
    context = visit(site, chromium, None)
    page = context.new_page()
    page.goto("/en/ledger/40")
    assert _verified(page, "everything holds. No witness")[4:] == ["–", "–", "False"]
    assert page.evaluate("localStorage.length") == 1
    assert "databourse_seen" in [cookie["name"] for cookie in context.cookies()]
    page.get_by_text("What this browser remembers", exact=True).click()
    with page.expect_navigation():
        page.get_by_role("button", name="Forget what this browser remembers").click()
    assert page.evaluate("localStorage.length") == 0
    assert "databourse_seen" not in [cookie["name"] for cookie in context.cookies()]
    context.close()


def _verified(page: Page, says: str) -> list[str]:
    """Press the button, and wait for what is said: the marks, and whether the alarm is seen."""
    page.get_by_role("button", name="Verify in my browser").click()
    page.locator("#verify [role=status]").get_by_text(says).wait_for()
    return [*page.locator("#verify .steps .mark").all_text_contents(), str(_alarmed(page))]


def _alarmed(page: Page) -> bool:
    return page.get_by_text("Your browser has found").is_visible()


def test_a_lying_server_gets_no_green(site, chromium) -> None:
    """Its own log key, an entry nobody signed, a key of a kind that no browser checks, no witness."""
    context = visit(site, chromium, None)
    page = context.new_page()
    raw = b"\4" + bytes(64)
    keyid = hashlib.sha256(raw).hexdigest()
    says = {"payload": "e30=", "payloadType": "x", "signatures": [{"keyid": keyid, "sig": "AAAA"}]}
    entry = json.dumps({"seq": 0, "envelope": says}).encode()
    signer = NoteSigner("exchange.example/test", SigningKey.generate())
    note = sign_checkpoint(Checkpoint(signer.name, 1, leaf_hash(entry)), signer)
    lies = {
        "seq": "0",
        "leaf": leaf_hash(entry).hex(),
        "vkey": str(signer.vkey),
        "vkeys": json.dumps([str(signer.vkey)]),
        "keys": json.dumps({keyid: base64.b64encode(raw).decode()}),
    }
    page.goto("/en/ledger/40")
    assert _verified(page, "everything holds. No witness")[4:] == ["–", "–", "False"]
    kept = page.evaluate("Object.entries(localStorage)[0]")
    page.route("**/entry.json", lambda route: route.fulfill(body=entry))
    page.route("**/receipt", lambda route: route.fulfill(body=Receipt(0, (), note).text()))

    def lied(**more: str) -> None:
        page.goto("/en/ledger/40")
        page.evaluate("lies => Object.assign(document.getElementById('verify').dataset, lies)", lies | more)

    lied()
    assert _verified(page, "it does not hold") == ["✓", "–", "✓", "✓", "✗", "–", "True"]
    assert page.evaluate("Object.entries(localStorage)[0]") == kept
    lied()
    page.evaluate("delete document.getElementById('verify').dataset.consistency")
    assert _verified(page, "it does not hold")[4:] == ["✗", "–", "True"]
    page.evaluate(
        "kept => { localStorage.clear(); localStorage['databourse:checkpoint:x'] = kept; }", kept[1]
    )
    lied(keys=json.dumps({keyid: base64.b64encode(raw[:-1] + b"\1").decode()}))
    assert _verified(page, "it does not hold")[1] == "✗"  # another key than its id names
    lied()
    assert _verified(page, "partly checked") == ["✓", "–", "✓", "✓", "–", "–", "False"]
    page.get_by_text("This browser knows another log of this exchange").wait_for()
    context.close()


def test_a_server_that_cannot_be_asked_is_no_alarm_and_one_that_shrank_is(site, chromium) -> None:
    context = visit(site, chromium, None)
    page = context.new_page()
    page.goto("/en/ledger/40")
    page.route("**/receipt", lambda route: route.fulfill(status=503))
    assert _verified(page, "could not be asked")[0::6] == ["–", "False"]
    page.unroute("**/receipt")
    page.route("**/entry.json", lambda route: route.abort())
    assert _verified(page, "could not be asked")[0::6] == ["–", "False"]
    page.unroute("**/entry.json")
    assert _verified(page, "everything holds")[4:] == ["–", "–", "False"]
    page.route("**/consistency?*", lambda route: route.fulfill(status=429))
    assert _verified(page, "could not be asked")[4:] == ["–", "–", "False"]
    page.unroute("**/consistency?*")
    page.route("**/consistency?*", lambda route: route.fulfill(status=404))
    assert _verified(page, "it does not hold")[4:] == ["✗", "–", "True"]
    witness = VerifierKey("w.example", SigningKey.generate().public, COSIGNATURE)
    page.unroute("**/consistency?*")
    page.evaluate(
        "key => document.getElementById('verify').dataset.witnesses = JSON.stringify([key])", f"{witness}"
    )
    assert _verified(page, "partly checked")[4:] == ["✓", "–", "True"]  # asked, and has not cosigned
    context.close()


def _forked(kept: list[list[str]]) -> str:
    """The kept checkpoint as another history would have it, as a string of JavaScript."""
    return json.dumps(json.dumps(json.loads(kept[0][1]) | {"size": "30", "root": "01" * 32}))


def test_an_upload_shows_how_far_it_is_and_leads_on(site, chromium) -> None:
    context = visit(site, chromium, "provider")
    page = context.new_page()
    page.goto("/en/sell/new")
    page.evaluate("""() => {
        window.seen = [];
        document.getElementById("upload").addEventListener("htmx:xhr:progress", (event) => {
            if (event.detail.lengthComputable) window.seen.push(event.detail.total);
        });
    }""")
    rows = b"region,value\n" + b"440100,1\n" * 200_000
    page.get_by_label("File").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": rows})
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("heading", name="Describe the product").wait_for()
    assert "/en/sell/files/" in page.url
    assert max(page.evaluate("window.seen")) > len(rows)
    page.goto("/en/sell/new")
    refused = {"status": 413, "content_type": "text/html", "body": "<body><p role=alert>too large</p></body>"}
    page.route("**/sell/new", lambda route: route.fulfill(**refused))
    page.get_by_label("File").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": rows})
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("alert").wait_for()
    context.close()


def test_the_first_view_is_small(site, chromium) -> None:
    context = visit(site, chromium, None)
    page: Page = context.new_page()
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto("/zh/products")
    page.wait_for_load_state("networkidle")
    assert sum(sizes) < 100_000
    context.close()
