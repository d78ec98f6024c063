"""The content security policy in a browser: pages work, and what was slipped in does not."""

from django.contrib.auth.models import User
from playwright.sync_api import Browser, Route

from tests.browser.conftest import DEADLINE_MS, fill_in_login
from tests.long_runs import at_length

SLIPPED_IN = """
<script>window.ran = "a script of the page";</script>
<script src="data:text/javascript,window.ran='a script of the address'"></script>
<script src="https://evil.example/x.js"></script>
<img src="/static/no-such.png" onerror="window.ran = 'a handler'">
<a id="address" href="javascript:window.ran='an address'">x</a>
<style>body { visibility: hidden }</style>
<base href="https://evil.example/">
<object data="/static/staff/mark.svg"></object>
<iframe src="/admin/login/"></iframe>
<form id="away" action="https://evil.example/"><button>x</button></form>
"""


def slip_in(route: Route) -> None:
    answer = route.fetch()
    page = answer.text().replace("<body", f"{SLIPPED_IN}<body", 1)
    route.fulfill(response=answer, body=page.replace("</body>", f"{SLIPPED_IN}</body>"))


@at_length("path", "/admin/projects/apikey/", "/api/docs")
def test_nothing_that_was_slipped_into_a_page_runs(
    browser: Browser, site: str, superuser: User, path: str
) -> None:
    with browser.new_context(base_url=site) as context:
        page = context.new_page()
        page.add_init_script(
            "window.refused = [];"
            "window.isFormRefused = new Promise((resolve, reject) => {"
            "  addEventListener('securitypolicyviolation', ({effectiveDirective}) => {"
            "    refused.push(effectiveDirective);"
            "    if (effectiveDirective === 'form-action') resolve(true);"
            "  });"
            f"  setTimeout(() => reject(new Error('It was not.')), {DEADLINE_MS});"
            "})"
        )
        page.goto("/admin/")
        fill_in_login(page, superuser.username)
        page.wait_for_url("**/admin/")
        page.route(f"**{path}", slip_in)
        page.goto(path)
        page.evaluate(
            "document.querySelector('#address').click();"
            "document.querySelector('#away').requestSubmit()"
        )
        # `wait_for_function` evaluates text in the page once it has to ask again, which is refused.
        assert page.evaluate("isFormRefused")

        assert page.evaluate("window.ran") is None
        assert page.evaluate("getComputedStyle(document.body).visibility") == "visible"
        assert page.evaluate("document.baseURI").startswith(site)
        assert page.url == f"{site}{path}"
        assert set(page.evaluate("refused")) >= {
            "script-src-elem", "script-src-attr", "style-src-elem", "base-uri", "object-src",
            "frame-src", "form-action",
        }  # fmt: skip
        # Text is never made a script of either.
        assert (
            page.evaluate(
                """() => {
                const made = document.createElement("script");
                made.textContent = "window.ran = 'text'";
                document.body.append(made);
                return window.ran ?? null;
            }"""
            )
            is None
        )
