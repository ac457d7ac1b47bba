"""Chinese for real: the shipped translation without its guesses, with ours on top.

Belongs here: making the message files of the browser and of the server from the `.po` that Superset
brings and `zh_overlay.json`. More than a third of the shipped Chinese is machine guesses marked
`fuzzy` that are compiled in all the same ("Sign in" became "Not In"); they are dropped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Response, send_file

from dashboards.superset import places

LOCALE: Final = "zh"
OVERLAY: Final = Path(__file__).parent / "language" / "zh_overlay.json"


def folder() -> Path:
    """Folder of translations that Superset is told of, in the data home: the environment stays as it is."""
    return places.home() / "language"


def make() -> dict[str, int]:
    """Write both message files.

    Returns:
        Messages by where their Chinese comes from: overlay, shipped, none (English stays).
    """
    import superset

    overlay = json.loads(OVERLAY.read_text("utf8"))
    shipped = Path(superset.__file__).parent / "translations" / LOCALE / "LC_MESSAGES" / "messages.po"
    with shipped.open("rb") as file:
        catalog = read_po(file)
    browser: dict[str, Any] = {
        "": {"domain": "superset", "plural_forms": "nplurals=1; plural=0;", "lang": LOCALE}
    }
    counts = {"overlay": 0, "shipped": 0, "none": 0}
    known = set()
    for message in catalog:
        if not message.id:
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        known.add(key)
        text = message.string if isinstance(message.string, str) else message.string[0]
        if key in overlay:
            text, source = overlay[key], "overlay"
        elif text and not message.fuzzy:
            source = "shipped"
        else:
            text, source = "", "none"
        counts[source] += 1
        message.flags.discard("fuzzy")
        message.string = text if isinstance(message.id, str) else (text,)
        if text:
            browser[key] = [text]
    for key in overlay.keys() - known:
        catalog.add(key, overlay[key])
        browser[key] = [overlay[key]]
        counts["overlay"] += 1
    target = folder() / LOCALE / "LC_MESSAGES"
    target.mkdir(parents=True, exist_ok=True)
    with (target / "messages.mo").open("wb") as out:
        write_mo(out, catalog)
    pack = {"domain": "superset", "locale_data": {"superset": browser}}
    (target / "messages.json").write_text(json.dumps(pack, ensure_ascii=False), "utf8")
    return counts


def pack() -> Response:
    """The browser's messages, which Superset itself would read from its own folder.

    They hold nothing to protect, and the login page needs them. A browser asks again each time
    whether they changed, instead of keeping them for a year.
    """
    path = folder() / LOCALE / "LC_MESSAGES" / "messages.json"
    return send_file(path, mimetype="application/json", max_age=0)
