"""The cockpit in a real browser: each tier its own dashboard, every chart drawn, every word Chinese.

With ``CANTEEN_SHOTS=DIR`` the city is that of the demo and the pictures of the README are written to
the folder: ``<tier>.png`` (wall screen, dark) and ``<tier>-laptop.png`` (light), of the overview and, with
``-prices`` or ``-money`` in the name, of the tabs 价格 and 资金.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cockpit_city
import cockpit_text
import pytest
from PIL import Image

from pipelines.cli import demo
from pipelines.measures import browser, served
from pipelines.measures.access.client import Request
from pipelines.measures.served import Served

pytestmark = pytest.mark.long
TIERS = ("city", "county", "school")
TABS = ("总览", "红线", "数据可信度", "预警与线索", "价格", "资金", "明厨亮灶")
FILMS = 6
CHART = "[data-test='dashboard-component-chart-holder']"
SHOTS = os.environ.get("CANTEEN_SHOTS")
LARGEST_PICTURE = 200_000
MAY_BE_EMPTY = {
    "缺什么",
    "相关线索",
    "线索",
    "每日线索",
    "缺报",
    "每日缺报",
    "各提供方",
    "每日到达",
    "原始单据",
    "涉及金额",
    *("价格线索", "多付", "由哪项检验", "价格最差", "对不上登记", "拒收文件", "最近的事件画面"),
}
"""Beginnings of the titles of charts that rightly have no rows where nothing is wrong or missing."""
ROLE_CODES = {
    "tier_city",
    "tier_county",
    "tier_school",
    "dept_education",
    "dept_market",
    "scope_county",
    "scope_school",
}
FIGURES = """() => {
  const text = one => (one && one.innerText.trim() || '').replace(/^N\\/A$/, '—');
  const cells = one => [...one.querySelectorAll('tr')].map(row => [...row.querySelectorAll('th, td')].map(text).join('|')).sort();
  const first = document.querySelector('#first-view');
  const charts = first ? first.querySelectorAll('section') :
    [...document.querySelectorAll('[data-test="dashboard-component-chart-holder"]')].filter(one => one.offsetWidth);
  return Object.fromEntries([...charts].map(one => [
    text(one.querySelector('h2, .header-title')),
    first && one.matches('.big_number_total') ? text(one.querySelector('p'))
      : one.querySelector('.header-line') ? text(one.querySelector('.header-line'))
      : one.querySelector('table') ? cells(one) : 'drawing or nothing'
  ]));
}"""
"""What the opening tab says by title of its charts: the number of a tile, the rows of a table (equal ones
stand in any order)."""
COLOURS_IN = """async png => {
  const picture = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height), pen = canvas.getContext('2d');
  pen.drawImage(picture, 0, 0);
  const bytes = pen.getImageData(0, 0, picture.width, picture.height).data, seen = new Set();
  for (let n = 0; n < bytes.length; n += 4) seen.add((bytes[n] >> 3) << 10 | (bytes[n + 1] >> 3) << 5 | bytes[n + 2] >> 3);
  return seen.size;
}"""


@pytest.fixture(scope="module")
def cockpit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    lacking = browser.missing()
    if lacking is not None:
        cockpit_city.skip_loudly(lacking)
    cockpit_city.skip_without_server()
    root = tmp_path_factory.mktemp("cockpit")
    if SHOTS:
        first = demo.LAST_DAY - (demo.DAYS - 1) * (cockpit_city.LAST - cockpit_city.LAST.replace(day=14))
        home = cockpit_city.city(root, demo.CANTEENS, first, demo.BOOKS, demo.FILMED, demo.FILMED * 3)
    else:
        home = cockpit_city.city(root, books=1.0, cameras=cockpit_city.CANTEENS, films=FILMS)
    with served.running(home) as server:
        yield server


def test_the_login_page_is_chinese(cockpit: Served) -> None:
    with browser.page(browser.LAPTOP) as view:
        view.goto(f"{cockpit.address}/login/")
        view.wait_for_selector("#username")
        found = cockpit_text.words(view)
        view.fill("#username", "nobody")
        view.fill("input[type=password]", "wrong")
        view.click("button[type=submit]")
        view.wait_for_selector("[role=alert], .ant-message-notice, .ant-alert")
        found |= cockpit_text.words(view)
    assert "text: 登录" in found
    assert cockpit_text.not_chinese(found, {"nobody"}) == []


@pytest.mark.requirement("S0-05", "S0-12", "S0-13")
@pytest.mark.parametrize("tier", TIERS)
def test_a_user_meets_the_dashboard_of_the_tier_whole_and_in_chinese(cockpit: Served, tier: str) -> None:
    user = cockpit.tiers[tier]
    own_codes = {f"{user}@canteen.invalid", user, *ROLE_CODES}
    english: dict[str, list[str]] = {}

    def read(where: str) -> None:
        left = cockpit_text.not_chinese(cockpit_text.words(view), own_codes)
        if left:
            english[where] = left

    with browser.page(browser.LAPTOP) as view:
        browser.log_in(view, cockpit.address, user, cockpit.passwords[user])
        assert f"/superset/dashboard/{tier}/" in view.url
        browser.drawn(view)
        view.wait_for_selector("#first-view", state="detached")
        view.wait_for_timeout(1000)  # a table measures itself unseen before it is shown
        drawn = view.evaluate(FIGURES)
        tabs = view.locator(".ant-tabs-tab")
        assert [tabs.nth(n).inner_text().strip() for n in range(tabs.count())] == list(TABS)
        bad: list[str] = []
        for number, tab in enumerate(TABS):
            view.mouse.move(0, browser.LAPTOP[1] - 1)  # off what shows a hint over the tabs
            view.locator(".ant-popover:visible").first.wait_for(state="hidden")
            tabs.nth(number).click()
            bad += faults(view, tab, tier)
            read(tab)
        tabs.nth(0).click()
        browser.drawn(view)
        for menu in open_menus(view, cockpit.address):
            read(menu)
        view.route("**/static/assets/**", lambda wanted: wanted.abort())  # the program never comes
        view.goto(f"{cockpit.address}/superset/dashboard/{tier}/", wait_until="domcontentloaded")
        assert view.evaluate(FIGURES) == drawn
    assert not bad, "\n".join(bad)
    assert not english, english


def test_a_page_that_was_asked_for_with_filters_has_no_first_view(cockpit: Served) -> None:
    """Its figures would be those without them."""
    user = cockpit.tiers["city"]

    def page(words: str) -> bytes:
        opened = cockpit.client.send(Request(user, "GET", f"/superset/dashboard/city/{words}"))
        return cockpit.client.send(Request(user, "GET", opened.header("Location"))).body

    assert b'id="first-view"' in page("?standalone=1")
    assert b'id="first-view"' not in page("?native_filters=()")


@pytest.mark.requirement("S0-13")
@pytest.mark.parametrize("tier", TIERS)
def test_a_user_meets_no_dashboard_of_another_tier(cockpit: Served, tier: str) -> None:
    user = cockpit.tiers[tier]
    listed = cockpit.client.send(Request(user, "GET", "/api/v1/dashboard/")).json()["result"]
    assert [one["slug"] for one in listed] == [tier]
    with browser.page(browser.LAPTOP) as view:
        browser.log_in(view, cockpit.address, user, cockpit.passwords[user])
        for other in set(TIERS) - {tier}:
            view.goto(f"{cockpit.address}/superset/dashboard/{other}/")
            view.wait_for_load_state("networkidle")
            assert view.locator("[data-test='dashboard-component-chart-holder']").count() == 0
            assert cockpit_text.not_chinese(cockpit_text.words(view), {user}) == []


def test_a_supervisor_sees_what_the_camera_saw(cockpit: Served) -> None:
    user = cockpit.tiers["city"]
    with browser.page(browser.LAPTOP) as view:
        browser.log_in(view, cockpit.address, user, cockpit.passwords[user])
        browser.open_dashboard(view, cockpit.address, "city", "")
        view.locator(".ant-tabs-tab").filter(has_text="明厨亮灶").click()
        browser.drawn(view)
        assert picture_of_an_event(view).evaluate(
            "one => one.decode().then(() => [one.naturalWidth, one.naturalHeight])"
        ) == [
            240,
            135,
        ]


@pytest.mark.skipif(not SHOTS, reason="CANTEEN_SHOTS names no folder for the README's pictures")
@pytest.mark.parametrize("tier", TIERS)
def test_the_pictures_of_the_readme(cockpit: Served, tier: str) -> None:
    user = cockpit.tiers[tier]
    for size, name, query in (
        (browser.WALL, tier, "?standalone=1"),
        (browser.LAPTOP, f"{tier}-laptop", ""),
    ):
        with browser.page(size) as view:
            browser.log_in(view, cockpit.address, user, cockpit.passwords[user])
            browser.open_dashboard(view, cockpit.address, tier, query)
            for tab, ending in (
                ("总览", ""),
                ("价格", "-prices"),
                ("资金", "-money"),
                ("明厨亮灶", "-video"),
            ):
                view.locator(".ant-tabs-tab").filter(has_text=tab).click()
                view.mouse.move(0, size[1] - 1)
                browser.drawn(view)
                view.wait_for_timeout(3000)  # curves are drawn with a motion that no event ends
                keep(view, f"{name}{ending}")
            if tier == "city":
                picture_of_an_event(view)
                keep(view, f"{name}-events")


def keep(view: Any, name: str) -> None:
    """Write what is seen as a picture of 256 colours, which is a third as large."""
    path = Path(str(SHOTS)) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(io.BytesIO(view.screenshot())) as seen:
        seen.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size < LARGEST_PICTURE


def picture_of_an_event(view: Any) -> Any:
    """The first small picture of the open tab; charts are drawn when they come into sight."""
    view.locator(CHART).filter(has_text="最近的事件画面").scroll_into_view_if_needed()
    picture = view.locator("img[alt='事件画面']").first
    picture.wait_for()
    return picture


def faults(view: Any, tab: str, tier: str) -> list[str]:
    """What is wrong with the charts of the open tab: not drawn, an error, blank or without rows."""
    found = []
    view.wait_for_timeout(300)
    browser.drawn(view)
    holders = view.locator("[data-test='dashboard-component-chart-holder']:visible")
    assert holders.count() > 0, f"{tab} has no charts"
    with_checker = view.context.new_page()
    for number in range(holders.count()):
        holder = holders.nth(number)
        holder.scroll_into_view_if_needed()
        browser.drawn(view)
        title = holder.locator(".header-title").inner_text().strip()
        words = holder.inner_text()
        if holder.locator(".ant-alert, [data-test='error-container']").count() or "错误" in words:
            found.append(f"{tier} {tab}《{title}》: {words[:200]}")
        elif "没有数据" in words or "无数据" in words:
            if not any(title.startswith(one) for one in MAY_BE_EMPTY):
                found.append(f"{tier} {tab}《{title}》: no rows")
        elif holder.locator("canvas").count():
            view.wait_for_timeout(1200)  # curves are drawn with a motion that no event ends
            picture = base64.b64encode(holder.locator("[data-test='slice-container']").screenshot()).decode()
            if with_checker.evaluate(COLOURS_IN, picture) < 4:
                found.append(f"{tier} {tab}《{title}》: blank canvas")
    with_checker.close()
    view.bring_to_front()
    return found


def open_menus(view: Any, address: str) -> Iterator[str]:
    """Open the menus of the user's pages one after the other."""
    view.mouse.move(5, 5)
    view.get_by_text("设置", exact=True).first.hover()
    view.wait_for_selector(".ant-menu-submenu-popup:visible, .ant-dropdown:visible")
    yield "user's menu"
    view.mouse.move(700, 600)
    view.locator("[data-test='actions-trigger']").first.click()
    view.wait_for_selector(".ant-dropdown:visible, .ant-menu:visible")
    yield "dashboard's menu"
    view.keyboard.press("Escape")
    view.mouse.move(700, 600)
    chart = view.locator("[data-test='dashboard-component-chart-holder']:visible").last
    chart.hover()
    chart.locator("[id$='-controls']").click()
    view.wait_for_selector(".ant-dropdown:visible")
    yield "chart's menu"
    view.keyboard.press("Escape")
    view.mouse.move(5, 700)
    view.locator("[data-test='filter-bar'] .ant-select:visible").first.click()
    view.wait_for_selector(".ant-select-dropdown:visible")
    yield "filter's choices"
    view.keyboard.press("Escape")
    view.goto(f"{address}/user_info/")
    view.wait_for_load_state("networkidle")
    yield "user's page"
    view.get_by_text("修改密码").first.click()
    view.wait_for_selector(".ant-modal:visible")
    yield "new password"
