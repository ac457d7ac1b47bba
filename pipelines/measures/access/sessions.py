"""Attempts to go on with rights that have ended, or with sessions that nobody was given.

Belongs here: cookies, tokens, passwords and grants over time; they change accounts, so they come last.
Does not belong here: single questions (``bypasses``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines.measures.access import kinds
from pipelines.measures.access.bypasses import forged_sessions
from pipelines.measures.access.catalog import Catalog
from pipelines.measures.access.client import Client, Reply, Request, Session
from pipelines.measures.access.server import FELT_WITHIN_S, Server

_DEPARTED, _MOVED, _LOWERED, _FORGETFUL = "school_2", "county_b", "county_a_market", "school_3"


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        name: What was tried.
        held: Whether it got nowhere.
        why: What was seen where it did.
    """

    name: str
    held: bool
    why: str = ""


def every(server: Server, catalog: Catalog) -> Iterator[Outcome]:
    """All of them, in an order in which none spoils the next."""
    yield from _forged(server)
    yield from _logins(server)
    yield from _rights_over_time(server, catalog)


def _forged(server: Server) -> Iterator[Outcome]:
    for name, session in forged_sessions():
        replies = [
            _me(server.client, session),
            server.client.send(Request("", "GET", "/api/v1/chart/"), session),
        ]
        yield _refused(f"cookie: {name}", replies)
    client = server.client
    before = client.send(Request("", "GET", "/login/"), Session({}, ""))
    fixed = Session(
        dict(
            pair.split(";", 1)[0].split("=", 1) for key, pair in before.headers if key.lower() == "set-cookie"
        ),
        "",
    )
    _log_in(server, _FORGETFUL)
    yield _refused("cookie: of the login page, after the login", [_me(client, fixed)])
    left = _log_in(server, _FORGETFUL)
    client.send(Request("", "GET", "/logout/"), left)
    yield _refused("cookie: after the logout", [_me(client, left)])


def _logins(server: Server) -> Iterator[Outcome]:
    client = server.client
    for name, account, password in (
        ("wrong password", server.world.account("city_edu"), "wrong"),
        ("empty password", server.world.account("city_edu"), ""),
        ("the deployer, whom nobody may be", "canteen", "!"),
        ("unknown account", "nobody", "nobody"),
        ("SQL in the name", "' or 1=1 --", "x"),
    ):
        yield Outcome(f"login: {name}", client.try_log_in(account, password) is None)
    # A bearer token would outlive a password and a grant; the cockpit hands none out.
    form = client.login_form()
    body = {"username": server.world.account("city_edu"), "provider": "db", "refresh": True}
    for name, password in (("wrong", "wrong"), ("right", server.passwords[body["username"]])):
        request = Request("", "POST", "/api/v1/security/login", {**body, "password": password})
        yield _refused(f"login: bearer token for the {name} password", [client.send(request, form)])


def _rights_over_time(server: Server, catalog: Catalog) -> Iterator[Outcome]:
    """End, move and lower grants and reset a password, then see how long the old rights last."""
    client, people = server.client, server.world.people
    persons = (_DEPARTED, _MOVED, _LOWERED, _FORGETFUL)
    sessions = {name: _log_in(server, name) for name in persons}
    users = {user["username"]: user for user in server.access()["users"]}
    account = server.world.account
    users.pop(account(_DEPARTED))
    users[account(_MOVED)]["scopes"] = [{"column": "county_code", "value": people["county_a"].scopes[0][1]}]
    users[account(_LOWERED)].update(tier="scheduler", department=None, scopes=[])
    server.rewrite_access(list(users.values()))
    server.reset_password(account(_FORGETFUL), "Another-Password-1")

    old = server.world.entitled(_MOVED) - server.world.entitled("county_a")
    dead = {
        "cookie: of an account whose grant ended": lambda: _me(client, sessions[_DEPARTED]).status != 200,
        "cookie: of an account whose password was reset": lambda: (
            _me(client, sessions[_FORGETFUL]).status != 200
        ),
        "cookie: old county after a move": lambda: not _seen(server, catalog, sessions[_MOVED]) & old,
        "cookie: rows after being made scheduler": lambda: not _seen(server, catalog, sessions[_LOWERED]),
        "login: an account whose grant ended": lambda: (
            client.try_log_in(account(_DEPARTED), server.passwords[account(_DEPARTED)]) is None
        ),
        "login: the password before the reset": lambda: (
            client.try_log_in(account(_FORGETFUL), server.passwords[account(_FORGETFUL)]) is None
        ),
    }
    for name, gone in dead.items():
        yield Outcome(name, _soon(gone), f"still possible after {FELT_WITHIN_S} s")
    yield Outcome(
        "login: the password after the reset works, so the account itself lives",
        client.try_log_in(account(_FORGETFUL), "Another-Password-1") is not None,
    )


def _soon(done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + FELT_WITHIN_S
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(3)
    return True


def _seen(server: Server, catalog: Catalog, session: Session) -> set[str]:
    """Scopes that a session is still shown, in data and in what caches kept."""
    dataset = catalog.datasets["canteen_period"]
    body = kinds.context(dataset.number, kinds.query(columns=list(dataset.columns)))
    replies = [
        server.client.send(Request("", "POST", "/api/v1/chart/data", body), session),
        server.client.send(Request("", "POST", "/api/v1/chart/data", {**body, "force": True}), session),
    ]
    return set().union(*(server.world.seen(part) for reply in replies for part in reply.parts()))


def _log_in(server: Server, user: str) -> Session:
    """A session beside the one that the probe keeps."""
    name = server.world.account(user)
    found = server.client.try_log_in(name, server.passwords[name])
    if found is None:
        raise RuntimeError(f"{user} cannot log in a second time")
    return found


def _me(client: Client, session: Session) -> Reply:
    return client.send(Request("", "GET", "/api/v1/me/"), session)


def _refused(name: str, replies: list[Reply]) -> Outcome:
    bad = [reply for reply in replies if reply.status < 300]
    return Outcome(name, not bad, ", ".join(f"{reply.request.path} {reply.status}" for reply in bad))
