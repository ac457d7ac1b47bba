"""One suite per feed.

Belongs here: the bands within which a steward finds a delivery plausible. They are our own judgement of
ordinary school-canteen data, wide on purpose; none of them is a threshold of a regulation.
"""

from __future__ import annotations

from typing import Final

from expectations.checks import Check, Suite
from expectations.suites import (
    bank,
    devices,
    disclosure,
    meals,
    money,
    prices,
    reference,
    supply,
    video,
    withdrawal,
)

SUITES: Final[dict[str, Suite]] = {
    suite.feed: suite
    for module in (reference, prices, supply, meals, disclosure, devices, withdrawal, bank, money, video)
    for suite in module.SUITES
}


def check_of(feed: str, expectation: str, column: str) -> Check:
    """The check behind a row of ``silver.expectation_result``.

    Raises:
        KeyError: No suite has such a check.
    """
    suite = SUITES[feed]
    for check in (*suite.rows, *suite.profile):
        if (check.kind, check.column) == (expectation, column):
            return check
    raise KeyError((feed, expectation, column))
