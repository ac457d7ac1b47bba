"""Prints Superset's own URL map as JSON: `python -m dashboards.superset.urlmap`.

Belongs here: that list, for the probe that walks it. The app is made but nothing is prepared or served.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any


def url_map() -> list[dict[str, Any]]:
    """Every rule: its text, endpoint, methods and the names of its parameters."""
    from superset.app import create_app

    return [
        {
            "rule": rule.rule,
            "endpoint": rule.endpoint,
            "methods": sorted(rule.methods or ()),
            "args": sorted(rule.arguments),
        }
        for rule in create_app().url_map.iter_rules()
    ]


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        found = url_map()
    print(json.dumps(found))
