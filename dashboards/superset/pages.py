"""Which page a request is given.

Belongs here: our language pack, the redirect of a dashboard to the newest snapshot and its first view,
the redirect of the pages for making things to the user's own dashboard, pages of errors, the reload of a wall screen, the limit
on passwords tried, and the end of a session whose account or password is gone.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from flask import Flask, Response, current_app, redirect, request, session, url_for
from flask_appbuilder.exceptions import PasswordComplexityValidationError
from flask_login import current_user, logout_user, user_logged_in
from limits import parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from dashboards.superset import first_view, language, snapshot, theme

WALL_RELOAD_S: Final = 600
"""A wall screen opens its page anew this often, because only a new page takes a new snapshot."""
SHORTEST_PASSWORD: Final = 10
OWN_DASHBOARD: Final = {
    "tier_city": "city",
    "tier_county": "county",
    "tier_school": "school",
    "steward": "city",
}
MAKERS_PAGES: Final = frozenset(
    {
        "Superset.welcome",
        "DashboardModelView.list",
        "SliceModelView.list",
        "TableModelView.list",
        "ExploreView.root",
    }
)
"""Pages for making things; a supervisor is sent to the own dashboard instead."""
PASSWORDS_TRIED: Final = parse_many("4 per 20 second;30 per 10 minute")
"""Per account, address and worker of the server, so that a guesser elsewhere does not lock a user out."""
OTHER_DOORS: Final = frozenset({"SecurityApi.login", "SecurityApi.refresh", "SecurityRestApi.guest_token"})
"""Tokens would live on when the account or its password is gone."""
FAULTS: Final = {
    401: "请先登录",
    403: "您没有查看此页的权限",
    404: "没有这一页，或您没有查看它的权限",
    429: "操作太频繁，请稍后再试",
}
_TRIES: Final = MovingWindowRateLimiter(MemoryStorage())
_FAULT_PAGE: Final = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font-family:{font};background:#f5f7fa;color:#1f2d3d;display:grid;place-items:center;height:90vh}}
main{{text-align:center}}a{{color:#1558b0}}</style></head>
<body><main><h1>{title}</h1><p>{text}</p><p><a href="/">返回首页</a></p></main></body></html>"""


def register(app: Flask) -> None:
    """Hook the functions of this module into the app."""
    app.before_request(_hold_back)
    app.before_request(_end_stale_session)
    app.before_request(_send_on)
    app.before_request(_begin_first_view)
    app.after_request(_mark)
    user_logged_in.connect(_begin_session, app)


def _hold_back() -> Any:
    """Slow down whoever tries passwords; refuse the ways in that no page of ours uses."""
    if request.endpoint in OTHER_DOORS:
        return Response(status=404)
    if request.method == "POST" and request.path.rstrip("/") == "/login":
        tried = request.form.get("username", ""), request.remote_addr or ""
        if not all(_TRIES.hit(limit, *tried) for limit in PASSWORDS_TRIED):
            return Response(status=429)
    return None


def check_password(password: str) -> None:
    """What a password that a user chooses must be.

    Raises:
        PasswordComplexityValidationError: It is too short or all of one kind.
    """
    kinds = sum(any(test(one) for one in password) for test in (str.isdigit, str.islower, str.isupper))
    if len(password) < SHORTEST_PASSWORD or kinds < 2:
        raise PasswordComplexityValidationError(
            f"密码至少 {SHORTEST_PASSWORD} 位，且含数字、小写字母、大写字母中的两种"
        )


def _send_on() -> Any:
    if request.method not in {"GET", "HEAD"}:
        return None
    if request.endpoint == "Superset.language_pack":
        return language.pack()
    if request.endpoint == "Superset.dashboard":
        last = snapshot.newest()
        if last is not None and request.args.get(snapshot.PARAMETER) != str(last):
            words = {**request.args.to_dict(flat=False), snapshot.PARAMETER: [str(last)]}
            return redirect(url_for(request.endpoint, **(request.view_args or {}), **words))
    if request.endpoint in MAKERS_PAGES and current_user.is_authenticated:
        roles = {role.name for role in current_user.roles}
        for role, slug in OWN_DASHBOARD.items():
            if role in roles:
                return redirect(url_for("Superset.dashboard", dashboard_id_or_slug=slug))
    return None


def _begin_first_view() -> None:
    slug = (request.view_args or {}).get("dashboard_id_or_slug")
    if (
        request.method == "GET"
        and request.endpoint == "Superset.dashboard"
        and slug in OWN_DASHBOARD.values()
    ):
        first_view.begin(slug)


def _mark(response: Response) -> Response:
    if request.endpoint not in {"static", "appbuilder.static", "canteen.static"}:
        number = snapshot.of_request()
        if number is not None:
            response.headers[snapshot.HEADER] = str(number)
    if request.endpoint == "Superset.dashboard":
        slug = (request.view_args or {})["dashboard_id_or_slug"]
        if response.status_code == 200 and slug in OWN_DASHBOARD.values():
            response.set_data(first_view.place(response.get_data(as_text=True), slug))
        if request.args.get("standalone"):
            response.headers["Refresh"] = str(WALL_RELOAD_S)
    return _explain(response)


def _explain(response: Response) -> Response:
    """A page of our own for a person in place of Superset's English one, which also loads foreign fonts."""
    if response.status_code >= 400 and "text/html" in request.headers.get("Accept", ""):
        text = FAULTS.get(response.status_code, "系统出错了，请稍后再试；仍然出错请告知管理员")
        response.set_data(_FAULT_PAGE.format(title=theme.APP_NAME, font=theme.FONT, text=text))
        response.mimetype = "text/html"
    return response


def _begin_session(app: Flask, user: Any) -> None:
    """A new session number at every login, tied to the password that opened it."""
    current_app.session_interface.regenerate(session)  # type: ignore[attr-defined]
    session["credential"] = _credential(user)


def _end_stale_session() -> None:
    signed_in = session.get("_user_id") and current_user.is_authenticated
    if signed_in and session.get("credential") != _credential(current_user):
        logout_user()
        session.clear()


def _credential(user: Any) -> str:
    return hashlib.sha256(f"{user.id}:{user.password}".encode()).hexdigest()[:24]
