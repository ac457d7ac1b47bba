"""Column types shared by the contracts: money, quantities, prices, codes, times.

Belongs here: one function per kind of column (DESIGN decision 14). A float never holds money.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dataframely as dy

MAX_YUAN = 100_000_000
MAX_BANK_YUAN = 1_000_000_000_000
MAX_QTY = 10_000_000
MAX_RING = 65_536


def key(**kwargs: Any) -> dy.String:
    """A non-empty code of at most 64 characters."""
    return dy.String(nullable=False, min_length=1, max_length=64, **kwargs)


def text(*, nullable: bool = True) -> dy.String:
    """Free text of at most 500 characters."""
    return dy.String(nullable=nullable, max_length=500)


def code(values: Mapping[str, object], *, nullable: bool = False) -> dy.Enum:
    """One of a closed list (``warehouse.vocabulary``)."""
    return dy.Enum(list(values), nullable=nullable)


def yuan(*, nullable: bool = False, negative: bool = False) -> dy.Decimal:
    """Money in yuan, Decimal(18, 2)."""
    return dy.Decimal(18, 2, nullable=nullable, min=-MAX_YUAN if negative else 0, max=MAX_YUAN)


def bank_yuan(*, nullable: bool = False, negative: bool = False) -> dy.Decimal:
    """Money of a bank account in yuan, Decimal(18, 2): a city's collection account holds more than a canteen."""
    return dy.Decimal(18, 2, nullable=nullable, min=-MAX_BANK_YUAN if negative else 0, max=MAX_BANK_YUAN)


def quantity(*, nullable: bool = False) -> dy.Decimal:
    """A quantity in the unit of the row, Decimal(18, 3)."""
    return dy.Decimal(18, 3, nullable=nullable, min=0, max=MAX_QTY)


def price(*, nullable: bool = False) -> dy.Decimal:
    """A unit price in yuan per unit of the row, Decimal(18, 6)."""
    return dy.Decimal(18, 6, nullable=nullable, min=0, max=1_000_000)


def day(*, nullable: bool = False) -> dy.Date:
    """A business date in the provider's zone."""
    return dy.Date(nullable=nullable)


def instant(*, nullable: bool = False) -> dy.Datetime:
    """When something happened or was reported, UTC."""
    return dy.Datetime(nullable=nullable, time_zone="UTC", time_unit="us")
