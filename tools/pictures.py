"""`make pictures`: the staff guide's pictures, each taken from the running admin, and that of links
to the first page.

It starts the platform as `make run` does, in a folder that is thrown away, and fills it with the
data of guide_data.py. Then it does in Chromium what the guide describes.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from local_stack.console import say
from local_stack.environment import PROJECT, database, fill
from local_stack.ports import free_port
from local_stack.processes import NotReadyError
from tools.chromium import OPTIONS, chromium_program
from tools.platform_process import platform

PICTURES = PROJECT / "docs" / "staff-guide"
SHARED = PROJECT / "guides" / "static" / "guides" / "share.png"
# As pages that show a link want its picture.
OF_A_LINK = {"width": 1200, "height": 630}
WIDE = {"width": 1200, "height": 760}
NARROW = {"width": 400, "height": 760}
# The variables that name other servers: the platform has its own.
UNSET = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "ENV_FILE")


@dataclass
class Photographer:
    """A browser that takes pictures of pages, each as high as its page."""

    browser: Browser
    base_url: str
    folder: Path

    def log_in(self, username: str, **options: object) -> Page:
        from tools.guide_data import PASSWORD

        page = self.browser.new_context(
            base_url=self.base_url,
            **{"viewport": WIDE, "reduced_motion": "reduce", **options},  # type: ignore[arg-type]
        ).new_page()
        page.goto("/admin/login/?next=/admin/")
        page.locator("input[name=username]").fill(username)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("input[type=submit]").click()
        page.wait_for_url("**/admin/")
        return page

    def take(self, page: Page, name: str) -> None:
        page.mouse.move(0, 0)
        page.screenshot(path=self.folder / f"{name}.png", full_page=True)
        say(f"pictures | {name}.png")


def take_shared(browser: Browser, base_url: str, path: Path) -> None:
    """The first page with its figure still, which those see to whom a link is sent."""
    page = browser.new_page(base_url=base_url, viewport=OF_A_LINK, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto("/", wait_until="networkidle")
    page.screenshot(path=path)
    say(f"pictures | {path.name}")


def take_all(camera: Photographer, movespec_id: str, version_ids: list[str]) -> None:
    versions = [f"/admin/movespecs/movespecversion/{id_}/" for id_ in version_ids]
    first, second, third = versions
    grace = camera.log_in("grace")
    alan = camera.log_in("alan")

    camera.take(alan, "index")
    camera.take(camera.log_in("alan", viewport=NARROW, color_scheme="dark"), "index-narrow-dark")

    grace.goto(f"/admin/movespecs/movespec/{movespec_id}/change/")
    camera.take(grace, "movespec")
    grace.goto(f"{third}change/")
    camera.take(grace, "version")

    grace.goto(f"{third}release/")
    camera.take(grace, "release")
    alan.goto(f"{first}roll-back/")
    send(alan, "Version 2 misses squats of ward 3.", "Roll back to")
    grace.get_by_label("Reason").fill("The clinic wants shallow squats counted.")
    grace.get_by_role("button", name="Release", exact=True).click()
    camera.take(grace, "overtaken")
    grace.get_by_role("button", name="Release", exact=True).click()
    grace.wait_for_url("**/change/")

    grace.goto(f"{second}roll-back/")
    camera.take(grace, "roll-back")
    send(grace, "Version 3 counts standing still.", "Roll back to")

    grace.goto(f"{second}withdraw/")
    grace.get_by_label("What replaces it").select_option(label="Version 1")
    grace.get_by_role("button", name="Show what changes").click()
    camera.take(grace, "withdraw")

    alan.goto("/admin/projects/apikey/add/")
    choose(alan, "Clinic tablets")
    alan.get_by_role("button", name="Continue").click()
    alan.get_by_label("Name of the key").fill("Tablets of ward 4")
    camera.take(alan, "issue")
    alan.get_by_role("button", name="Issue an API key").click()
    camera.take(alan, "secret")
    alan.goto("/admin/projects/apikey/?q=Tablets+of+ward+3")
    alan.get_by_role("link", name="Tablets of ward 3").click()
    alan.get_by_role("link", name="Rotate …").click()
    camera.take(alan, "rotate")

    alan.goto("/admin/projects/project/?q=Clinic+tablets")
    alan.get_by_role("link", name="Clinic tablets").first.click()
    camera.take(alan, "project")
    alan.get_by_role("link", name="Suspend …").click()
    camera.take(alan, "suspend")

    alan.goto("/admin/movespecs/movespec/?q=Lunge+for+everyone")
    alan.get_by_role("link", name="Lunge for everyone").click()
    alan.get_by_role("link", name="Delist …").click()
    camera.take(alan, "delist")

    alan.goto("/admin/sessions_app/detectionsession/")
    camera.take(alan, "sessions")
    alan.locator("#result_list tbody th a").nth(3).click()
    camera.take(alan, "session")
    alan.get_by_role("link", name="Cancel …").click()
    camera.take(alan, "cancel")

    alan.goto("/admin/webhooks/webhookendpoint/")
    camera.take(alan, "webhooks")
    alan.goto("/admin/webhooks/webhookendpoint/?state=trying")
    alan.locator("#result_list tbody th a").first.click()
    camera.take(alan, "webhook")
    alan.goto("/admin/webhooks/webhookdelivery/?status__exact=waiting")
    alan.locator("#result_list tbody th a").first.click()
    camera.take(alan, "message")


def choose(page: Page, text: str) -> None:
    """Choose in the page's one search box, as one types."""
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill(text)
    page.locator(".select2-results__option", has_text=text).click()


def send(page: Page, reason: str, button: str) -> None:
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url("**/change/")


def fill_database() -> tuple[str, list[str]]:
    """Fill the running platform's database. Returns the ids of the MoveSpec and its versions."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    fill(os.environ)
    with database(os.environ, reuse=True):
        import django

        django.setup()
        from django.db import connection
        from django.utils import timezone

        from tools.guide_data import make_guide_data

        movespec = make_guide_data(timezone.now())
        versions = movespec.versions.order_by("version_number")
        ids = [str(id_) for id_ in versions.values_list("id", flat=True)]
        connection.close()
    return str(movespec.id), ids


@contextmanager
def empty_platform(data_dir: Path) -> Iterator[str]:
    """The base URL of an empty platform that runs inside the block."""
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ |= {"DATA_DIR": str(data_dir), "ENVIRONMENT": "development"}
    ports = {"port": free_port(), "realtime_port": free_port()}
    try:
        with platform(data_dir, log=data_dir / "run.log", **ports) as base_url:
            yield base_url
    except NotReadyError as failure:
        raise SystemExit(str(failure)) from failure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=PICTURES, help="where they are written")
    folder: Path = parser.parse_args().folder
    elsewhere = folder != PICTURES
    program = chromium_program()
    if program is None:
        say("pictures | no chromium is installed")
        return 1
    with tempfile.TemporaryDirectory(prefix="kynaplatform-pictures-") as temporary:
        data_dir = Path(temporary)
        data_dir.chmod(0o755)  # as root the database runs as nobody, who must get in
        with empty_platform(data_dir) as base_url:
            movespec_id, version_ids = fill_database()
            folder.mkdir(parents=True, exist_ok=True)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
                take_shared(browser, base_url, folder / "share.png" if elsewhere else SHARED)
                take_all(Photographer(browser, base_url, folder), movespec_id, version_ids)
                browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
