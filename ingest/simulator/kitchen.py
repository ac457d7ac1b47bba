"""What is on a day's menu and who delivers, for all canteens at once.

Belongs here: draws of menus as (canteen, ingredient) arrays. Does not belong here: stock and buying
(``behaviour``) and prices (``pricing``).
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np

from ingest.simulator import catalogue
from ingest.simulator.city import City
from ingest.simulator.streams import BoolArray, FloatArray, IntArray, stream

# Smallest amount that a kitchen weighs out, thousandths of the base unit, by unit of purchase.
STEP: Final[IntArray] = np.array([100, 500, 100, 1000, 1000], dtype=np.int64)
# How often a staple is used, and its weight against the others of its category.
FREQUENCY: Final[FloatArray] = np.where(
    np.isin(catalogue.CATEGORY, [0, 1]) | (np.array(catalogue.NAMES) == "食盐"), 1.0, 0.35
)
_MAIN: Final[FloatArray] = np.where(np.array(catalogue.NAMES) == "大米", 3.0, 1.0)


class Kitchen:
    """Menus of a city."""

    def __init__(self, city: City) -> None:
        self.city = city
        share = np.array([c.share * c.chance / max(1, c.dishes) for c in catalogue.CATEGORIES])[
            catalogue.CATEGORY
        ]
        self.usual_share: FloatArray = share * _MAIN * FREQUENCY

    def weights(self, day: date, quiet: BoolArray) -> FloatArray:
        """(C, I) relative value of each ingredient on the day's menu; 0 where it is not used."""
        rng = stream(self.city.seed, "menu", day.toordinal())
        draw = rng.random((self.city.canteens, catalogue.COUNT))
        present = rng.random((self.city.canteens, len(catalogue.CATEGORIES)))
        noise = rng.lognormal(0, 0.2, draw.shape)
        score = np.where(self.city.menu, draw, 2.0)
        score[:, [0, int(catalogue.category("seasoning")[0])]] = -1.0  # rice and salt every day
        score[np.arange(self.city.canteens), self.city.main_oil] = -1.0
        out = np.zeros_like(draw)
        for k, (kind, block) in enumerate(zip(catalogue.CATEGORIES, catalogue.BLOCKS, strict=True)):
            if kind.dishes == 0:
                continue
            part = score[:, block]
            rank = np.argsort(np.argsort(part, axis=1), axis=1)
            dishes = np.where(self.city.large, kind.many, kind.dishes)[:, None]
            used = (rank < dishes) & (part < 2.0) & (present[:, [k]] < kind.chance)
            value = kind.share / kind.chance / dishes * _MAIN[block]
            out[:, block] = used * value * (1.0 if kind.staple else noise[:, block])
        out[:, catalogue.STAPLE] *= ~quiet[:, None]
        return out

    def suppliers(self, day: date) -> IntArray:
        """(C, group) position within the pair of the supplier that delivers on a day: mostly the first."""
        rng = stream(self.city.seed, "suppliers", day.toordinal())
        second = rng.random((self.city.canteens, len(catalogue.SUPPLIER_GROUPS))) < 0.15
        second[:, 0] = False  # staples are under contract
        return second.astype(np.int64)
