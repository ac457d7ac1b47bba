"""Attempts to be somebody else, or to be taken for it: guests, the envelope of a request, forged cookies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipelines.measures.access.bypasses.attempt import (
    ANALYST,
    COUNTY,
    NOBODY,
    SCHOOL,
    Attempt,
    Ground,
    chart_question,
)
from pipelines.measures.access.client import Request, Session


def every(ground: Ground) -> Iterator[Attempt]:
    """All attempts of this module."""
    for make in (_guests, _headers):
        yield from make(ground)


def _guests(ground: Ground) -> Iterator[Attempt]:
    resource = {"type": "dashboard", "id": ground.things.uuids["dashboard"][0]}
    body = {
        "user": {"username": "guest", "first_name": "g", "last_name": "g"},
        "resources": [resource],
        "rls": [],
    }
    for user in (NOBODY, SCHOOL, COUNTY, ANALYST, "steward"):
        request = Request(user, "POST", "/api/v1/security/guest_token/", body)
        yield Attempt(f"guest: token without rules ({user or 'nobody'})", user, [request], refused=True)
    claims = {
        "user": {"username": "guest"},
        "resources": [resource],
        "rls_rules": [],
        "iat": 1,
        "exp": 9_999_999_999,
        "aud": "http://0.0.0.0:8080/",
        "type": "guest",
    }
    for name, token in {
        "no signature": _token(claims, "none"),
        "a known secret": _token(claims, "HS256", b"test-guest-secret-change-me"),
    }.items():
        for path in ("/api/v1/dashboard/city", "/api/v1/chart/1/data/"):
            request = Request(NOBODY, "GET", path, headers={"X-GuestToken": token})
            yield Attempt(f"guest: forged token with {name}, {path}", NOBODY, [request], refused=True)
    for uuid in ground.things.uuids["dashboard"]:
        yield Attempt(
            f"guest: embedded page {uuid[:8]}",
            NOBODY,
            [
                Request(NOBODY, "GET", f"/embedded/{uuid}"),
                Request(NOBODY, "GET", f"/api/v1/embedded_dashboard/{uuid}"),
            ],
            refused=True,
        )
    yield Attempt(
        "guest: embedded dashboard's page", SCHOOL, [Request(SCHOOL, "GET", "/dashboard/city/embedded")]
    )


def _headers(ground: Ground) -> Iterator[Attempt]:
    """The envelope of a request."""
    city = f"/api/v1/dashboard/{ground.things.catalog.dashboards['city']}"
    rows = chart_question(SCHOOL, ground, columns=["school_name"])
    for name, headers in {
        "host": {"Host": "example.invalid"},
        "forwarded": {
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Host": "example.invalid",
            "X-Forwarded-Prefix": "/x",
        },
        "forwarded user": {"X-Forwarded-User": "admin", "Remote-User": "admin", "X-Remote-User": "admin"},
        "method override": {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"},
        "other origin": {"Origin": "https://example.invalid", "Referer": "https://example.invalid/"},
        "rewritten path": {"X-Original-URL": city, "X-Rewrite-URL": city},
        "bearer": {"Authorization": "Bearer x.y.z"},
        "basic": {"Authorization": "Basic " + base64.b64encode(b"admin:admin").decode()},
        "matching tag": {"If-None-Match": "*"},
        "referring to the city": {"Referer": "http://127.0.0.1/superset/dashboard/city/?snapshot=2"},
        "range": {"Range": "bytes=0-10000000"},
    }.items():
        yield Attempt(f"header: {name}, rows", SCHOOL, [replace(rows, headers=headers)])
        yield Attempt(
            f"header: {name}, city's dashboard",
            SCHOOL,
            [Request(SCHOOL, "GET", city, headers=headers)],
            refused=True,
        )
        yield Attempt(
            f"header: {name}, nobody",
            NOBODY,
            [Request(NOBODY, "GET", "/api/v1/chart/1/data/", headers=headers)],
            refused=True,
        )
    yield Attempt(
        "header: method in the form", SCHOOL, [Request(SCHOOL, "POST", city, "_method=DELETE")], refused=True
    )
    for method in ("PATCH", "TRACE", "PROPFIND", "get"):
        yield Attempt(f"header: method {method}", SCHOOL, [Request(SCHOOL, method, city)], refused=True)
    state = f"/api/v1/dashboard/{ground.things.catalog.dashboards['school']}/filter_state"
    session = ground.server.client.sessions[SCHOOL]
    for name, token in {
        "missing": "",
        "of somebody else": ground.server.client.sessions["city_edu"].csrf,
        "invented": "x",
    }.items():
        request = Request(SCHOOL, "POST", state, {"value": "{}"}, {"X-CSRFToken": token})
        yield Attempt(
            f"header: token against forgery {name}", SCHOOL, [request], refused=True, session=session
        )


def forged_sessions() -> Iterator[tuple[str, Session]]:
    """Cookies that nobody was given."""
    payload = base64.urlsafe_b64encode(json.dumps({"_user_id": "1", "_fresh": True}).encode()).decode()
    yield "invented number", Session({"canteen": "a" * 43}, "")
    yield "signed with nothing", Session({"canteen": f"{payload}.x.y", "session": f"{payload}.x.y"}, "")
    yield "path as number", Session({"canteen": "../../superset.db"}, "")
    yield "remember me", Session({"remember_token": "1|x"}, "")
    yield (
        "bearer as cookie",
        Session({"access_token_cookie": _token({"sub": "1", "type": "access"}, "none")}, ""),
    )


def _token(claims: Mapping[str, Any], algorithm: str, secret: bytes = b"") -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    signed = f"{part(json.dumps({'alg': algorithm, 'typ': 'JWT'}).encode())}.{part(json.dumps(dict(claims)).encode())}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{part(signature)}"
