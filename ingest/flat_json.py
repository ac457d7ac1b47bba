"""One JSON object of texts: the only JSON that files and messages are taken in.

Belongs here: the decoder. Imports the standard library only, because the inbox uses it too. Numbers
keep the digits they were written with; a repeated field, a nested object or NaN is refused.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Final, cast

Flat = dict[str, str | None]


def _flat(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record: dict[str, object] = {}
    for name, value in pairs:
        if name in record or isinstance(value, dict | list):
            raise ValueError("repeated or nested")
        record[name] = str(value).lower() if isinstance(value, bool) else value
    return record


def _listing(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The same, with a list of plain values as words with commas."""
    return _flat([(name, _joined(value) if isinstance(value, list) else value) for name, value in pairs])


def _joined(values: list[object]) -> str:
    if any(isinstance(value, dict | list | bool) or value is None for value in values):
        raise ValueError("nested")
    return ",".join(map(str, values))


def _constant(name: str) -> str:
    raise ValueError(name)


def _measured(text: str) -> str:
    """A number of a device, to a millionth: longer tails are noise of binary arithmetic."""
    return format(Decimal(text).quantize(_NOISE).normalize(), "f") if len(text) > _EXACT else text


_NOISE: Final = Decimal("0.000001")
_EXACT: Final = 12
_LINE: Final = json.JSONDecoder(
    object_pairs_hook=_flat, parse_float=str, parse_int=str, parse_constant=_constant
)
_MESSAGE: Final = json.JSONDecoder(
    object_pairs_hook=_listing, parse_float=_measured, parse_int=str, parse_constant=_constant
)


def line(text: str) -> object:
    """What a line of a file holds; a dictionary is ``Flat``.

    Raises:
        json.JSONDecodeError: It is no JSON.
        ValueError: A repeated or nested field, or NaN.
    """
    return _LINE.decode(text)


def messages(text: str) -> list[Flat]:
    """The object, or the objects of an array, that a device sent; lists of plain values become words with commas.

    Raises:
        ValueError: It is neither, or an object is not flat.
    """
    try:
        found = _MESSAGE.decode(text)
    except InvalidOperation as error:
        raise ValueError("a number out of all range") from error
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) for one in listed):
        raise ValueError("not an object")
    return cast("list[Flat]", listed)
