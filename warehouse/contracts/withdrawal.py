"""Contract of withdrawals: a provider takes back all records of a canteen-day.

Belongs here: the one thing that a complete canteen-day cannot say of itself, that it has become empty.
"""

from __future__ import annotations

import dataframely as dy

from warehouse import vocabulary
from warehouse.contracts import fields


class Withdrawal(dy.Schema):
    """No record of a feed is left for a canteen and a day; a file reported later may bring new ones."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    withdrawn_feed = fields.code(vocabulary.DAY_FEEDS)
    reported_at = fields.instant()
