"""Contracts of the reference feeds: organisations, calendar, suppliers, ingredients, provider keys, accounts, map."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from warehouse import uscc, vocabulary
from warehouse.contracts import fields


class Org(dy.Schema):
    """One dated version of an organisation. A canteen's parent is its school."""

    org_id = fields.key()
    parent_id = dy.String(nullable=True)
    org_kind = fields.code(vocabulary.ORG_KINDS)
    org_name = fields.text(nullable=False)
    division_code = dy.String(nullable=False, regex=r"^\d{6}$")
    stage = fields.code(vocabulary.STAGES, nullable=True)
    operating_mode = fields.code(vocabulary.OPERATING_MODES, nullable=True)
    subsidised = dy.Bool(nullable=False)
    pupils = dy.Int64(nullable=True, min=0, max=100_000)
    valid_from = fields.day()
    valid_to = fields.day(nullable=True)
    reported_at = fields.instant()

    @dy.rule()
    def period_ordered(cls) -> pl.Expr:  # noqa: N805
        return pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("valid_from"))


class Calendar(dy.Schema):
    """Whether meals are served on a day, for an organisation and all below it; the nearest row wins."""

    org_id = fields.key()
    biz_date = fields.day()
    is_open = dy.Bool(nullable=False)
    term_id = dy.String(nullable=True)
    reason = fields.text()
    reported_at = fields.instant()


class Supplier(dy.Schema):
    """A supplier, keyed by its unified social credit code (GB 32100-2015)."""

    supplier_uscc = fields.key()
    supplier_name = fields.text(nullable=False)
    contact_name = fields.text()
    contact_phone = fields.text()
    licence_no = fields.text()
    valid_from = fields.day()
    valid_to = fields.day(nullable=True)
    reported_at = fields.instant()

    @dy.rule()
    def uscc_checksum(cls) -> pl.Expr:  # noqa: N805
        return uscc.is_valid(pl.col("supplier_uscc"))

    @dy.rule()
    def period_ordered(cls) -> pl.Expr:  # noqa: N805
        return pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("valid_from"))


class Ingredient(dy.Schema):
    """An ingredient of the city's library."""

    ingredient_id = fields.key()
    ingredient_name = fields.text(nullable=False)
    category = fields.code(vocabulary.FOOD_CATEGORIES)
    base_unit = dy.String(nullable=False, min_length=1)
    reported_at = fields.instant()


class ProviderKey(dy.Schema):
    """A key of a provider's own system: what it stands for, so that linkage can map it.

    ``target_code`` is the registered code where the source holds one (canteen code, credit code; of a
    device: the canteen that it stands in); ``name`` and ``unit`` serve where it does not (ingredients).
    """

    entity = fields.code(vocabulary.KEY_ENTITIES)
    source_key = fields.key()
    target_code = dy.String(nullable=True)
    name = fields.text()
    unit = dy.String(nullable=True)
    reported_at = fields.instant()


class AccessGrant(dy.Schema):
    """What an account may see from a day to a day: an organisation and all below it.

    A supervisor without ``department`` sees what is meant for any department. ``display_name`` names
    a post, not a person.
    """

    username = dy.String(nullable=False, regex=r"^[A-Za-z0-9_\-]{1,64}$")
    display_name = fields.text(nullable=False)
    org_id = fields.key()
    department = fields.code(vocabulary.DEPARTMENTS, nullable=True)
    role_kind = fields.code(vocabulary.ROLE_KINDS)
    valid_from = fields.day()
    valid_to = fields.day(nullable=True)
    reported_at = fields.instant()

    @dy.rule()
    def period_ordered(cls) -> pl.Expr:  # noqa: N805
        return pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("valid_from"))


class MapShape(dy.Schema):
    """The reviewed boundary of a county or management area, as one ring of degrees (``pipelines.map_shape``)."""

    division_code = dy.String(nullable=False, regex=r"^\d{6}$")
    ring_json = dy.String(nullable=False, min_length=1, max_length=fields.MAX_RING)
    review_no = fields.key()
    reviewed_on = fields.day()
    reported_at = fields.instant()
