"""Contract of the monthly public disclosure form, one row per line of the form."""

from __future__ import annotations

import dataframely as dy

from warehouse import vocabulary
from warehouse.contracts import fields


class DisclosureLine(dy.Schema):
    """One line of a canteen's form. ``biz_date`` is the last day of the month it speaks about."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    operating_mode = fields.code(vocabulary.OPERATING_MODES)
    line_code = fields.code(vocabulary.FORM_LINES)
    month_yuan = fields.yuan(negative=True)
    ytd_yuan = fields.yuan(negative=True)
    reported_at = fields.instant()
