"""A real browser before the cockpit.

Belongs here: finding and starting Debian's chromium, logging in, opening a dashboard and knowing when
what is in view has been drawn. What is measured or expected there is its callers' business.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_MS: Final = 240_000
LOGINS: Final = 4
WALL: Final = (1920, 1080)
LAPTOP: Final = (1366, 768)
# The map needs WebGL, which a machine without a graphics card draws in software.
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu-compositing",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
FIRST_PAINTED: Final = """() => {
  const [painted] = performance.getEntriesByName('first-contentful-paint');
  const [placed] = performance.getEntriesByName('canteen-first-view');
  return painted && placed && Math.max(painted.startTime, placed.startTime);
}"""
DRAWN: Final = """() => {
  const inView = [...document.querySelectorAll('[data-test="dashboard-component-chart-holder"]')].filter(one => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && box.top < innerHeight && box.bottom > 0;
  });
  const waiting = one => one.querySelector('[data-test="loading-indicator"], .loading')
    || !one.querySelector('[data-test="slice-container"] > div > [id^="chart-id-"] > *, .ant-alert, .ant-empty, [data-test="slice-container"] .ant-empty');
  return inView.length > 0 && !inView.some(waiting) && performance.now();
}"""
"""Milliseconds since the navigation began once every chart in view is drawn, false before."""


def missing() -> str | None:
    """What a browser test lacks on this machine and how to get it, ``None`` where nothing is missing."""
    try:
        import playwright  # noqa: F401
    except ModuleNotFoundError:
        return "playwright is not installed: run it with the environment that ./canteen test makes"
    if chromium() is None:
        return "chromium is not installed: apt-get install chromium"
    fonts = subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, text=True, check=False)  # noqa: S607
    if not fonts.stdout.strip():
        return "no Chinese font is installed: apt-get install fonts-noto-cjk"
    return None


def chromium() -> str | None:
    """Debian's chromium."""
    return shutil.which("chromium")


@contextmanager
def page(size: tuple[int, int] = WALL) -> Iterator[Page]:
    """A fresh browser with one empty page, nobody logged in.

    Args:
        size: Width and height of the view in pixels.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=chromium(), args=list(_FLAGS))
        try:
            width, height = size
            context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
            opened = context.new_page()
            opened.set_default_timeout(PATIENCE_MS)
            yield opened
        finally:
            browser.close()


def log_in(view: Page, address: str, username: str, password: str) -> None:
    """Log in by the form, as people do; ends on the page that Superset sends the user to."""
    from playwright.sync_api import TimeoutError as TookTooLongError

    view.goto(f"{address}/login/", wait_until="networkidle")
    for attempt in range(1, LOGINS + 1):
        view.fill("#username", username)
        view.fill("input[type=password]", password)
        view.click("button[type=submit]")
        try:
            view.wait_for_url(
                lambda url: "/login" not in url, wait_until="commit", timeout=PATIENCE_MS / LOGINS
            )
        except TookTooLongError:
            # The form is a program's: what is typed or pressed before that has settled is lost.
            if attempt == LOGINS:
                raise
        else:
            return


def open_dashboard(view: Page, address: str, slug: str, query: str = "") -> float:
    """Open a dashboard and wait until every chart in view is drawn.

    Returns:
        Seconds from the start of the navigation, redirects included.
    """
    view.goto(f"{address}/superset/dashboard/{slug}/{query}", wait_until="commit")
    return drawn(view)


def first_painted(view: Page) -> float:
    """Seconds from the start of the open page's navigation until its first view was on the screen: the
    later of the browser's first paint with content and of the second frame after the view was in the page."""
    handle = view.wait_for_function(FIRST_PAINTED, polling=50)
    return float(handle.json_value()) / 1000


def drawn(view: Page) -> float:
    """Wait until every chart in view is drawn; seconds since the page's navigation began."""
    handle = view.wait_for_function(DRAWN, polling=50)
    return float(handle.json_value()) / 1000
