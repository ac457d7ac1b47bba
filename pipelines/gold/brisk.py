"""dbt without the work of a run that nobody sees: a third of a small night's CPU time.

Belongs here: stand-ins for dbt's own functions that give the same result for less, active only inside ``brisk``.
Each is compared with what it stands for in ``tests/unit/test_gold_brisk.py``. Does not belong here: anything that
changes what is built or reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest import mock

# What may stand before the first word of a statement.
_FIRST_WORD: Final = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
_WITH: Final = re.compile(r"with\b(?:(?:\s+|--[^\n]*\n|/\*.*?\*/)+recursive\b)?", re.IGNORECASE | re.DOTALL)
_HEARD: Final = ("warn", "error")
# Code of a template by the class of its environment and its text: nothing else of the environment is in it.
_COMPILED: Final[dict[tuple[type, str], Any]] = {}


@contextmanager
def brisk() -> Iterator[None]:
    """Run dbt without what a night throws away.

    Tokens of each model are not grouped, events below a warning not worded, the macros that a model may call not
    sought anew for each model, the flags and the words of dates made ready once a run, plugins sought and a template
    compiled once a process, and neither statements nor a summary of the graph are written to a file.
    """
    import parsedatetime
    from dbt import compilation
    from dbt.context import providers
    from dbt.context.macros import MacroNamespaceBuilder
    from dbt.context.manifest import ManifestContext
    from dbt.contracts.graph.nodes import ParsedNode
    from dbt.plugins import manager
    from dbt_common.events.base_types import BaseEvent
    from dbt_common.events.event_manager import EventManager
    from jinja2 import Environment

    said, worded, asked, made, worded_flags = (
        EventManager.fire_event,
        BaseEvent.__init__,
        BaseEvent.__getattr__,
        Environment.compile,
        providers.args_to_dict,
    )

    def fire_event(self: Any, e: Any, level: Any = None, *rest: Any, **named: Any) -> None:
        if (level or e.level_tag()) in _HEARD:
            said(self, e, level, *rest, **named)

    def keep_words(self: Any, *words: Any, **named: Any) -> None:
        self.__dict__["_words"] = (words, named)

    def word_when_asked(self: Any, key: str) -> Any:
        if "_words" in self.__dict__:
            words, named = self.__dict__.pop("_words")
            worded(self, *words, **named)
        return asked(self, key)

    def compile_once(
        self: Any, source: Any, name: Any = None, filename: Any = None, *rest: Any, **named: Any
    ) -> Any:
        if not isinstance(source, str) or name or filename or rest or named:
            return made(self, source, name, filename, *rest, **named)
        key = (type(self), source)
        if key not in _COMPILED:
            _COMPILED[key] = made(self, source)
        return _COMPILED[key]

    flags: dict[str, Any] = {}

    def flags_once(args: Any) -> dict[str, Any]:
        if not flags:
            flags.update(worded_flags(args))
        return dict(flags)

    with (
        mock.patch.object(compilation, "inject_ctes_into_sql", with_ctes),
        mock.patch.object(EventManager, "fire_event", fire_event),
        mock.patch.object(BaseEvent, "__init__", keep_words),
        mock.patch.object(BaseEvent, "__getattr__", word_when_asked),
        mock.patch.object(MacroNamespaceBuilder, "build_namespace", callable_macros),
        mock.patch.object(ManifestContext, "to_dict", with_macros),
        mock.patch.object(Environment, "compile", compile_once),
        mock.patch.object(ParsedNode, "write_node"),
        mock.patch.object(compilation.Linker, "get_graph_summary", return_value={}),
        mock.patch.object(providers, "args_to_dict", flags_once),
        mock.patch.object(manager, "test_caching_enabled", return_value=True),
        mock.patch.object(parsedatetime, "Constants", cache(parsedatetime.Constants)),
    ):
        yield


def callable_macros(
    builder: Any, macros_by_package: Mapping[str, Mapping[str, Any]], context: dict[str, Any]
) -> Any:
    """dbt's ``MacroNamespaceBuilder.build_namespace``, which makes each of 600 macros callable for each context."""
    from dbt.clients.jinja import MacroGenerator
    from dbt.context.macros import MacroNamespace

    # What all macros of a context share is kept by their class, not by each of them.
    shared = {"context": context, "node": builder.node, "stack": builder.thread_ctx}
    bound = type(MacroGenerator.__name__, (MacroGenerator,), shared)

    def of(macro: Any) -> MacroGenerator:
        made: MacroGenerator = object.__new__(bound)
        made.macro = macro
        return made

    packages = {
        package: {macro.name: of(macro) for macro in macros.values()}
        for package, macros in macros_by_package.items()
    }
    ordered = [name for name in reversed(builder.internal_package_names_order) if name in packages]
    inner = {name: macro for package in ordered for name, macro in packages[package].items()}
    outer = {name: macros for name, macros in packages.items() if name not in builder.internal_package_names}
    local = outer.get(builder.search_package, {})
    root = {} if builder.root_package == builder.search_package else outer.get(builder.root_package, {})
    return MacroNamespace(root, local, inner, outer)


def with_macros(context: Any) -> dict[str, Any]:
    """dbt's ``ManifestContext.to_dict``, which seeks every macro in five places, one by one."""
    from dbt.context.macro_resolver import TestMacroNamespace
    from dbt.context.manifest import ManifestContext

    known: dict[str, Any] = super(ManifestContext, context).to_dict()
    names = context.namespace
    if isinstance(names, TestMacroNamespace):
        places = [names.project_namespace, names.local_namespace]
    else:
        places = list(names._search_order())
    for place in reversed(places):
        known.update(place)
    return known


def with_ctes(sql: str, ctes: list[Any]) -> str:
    """Put ephemeral models before a statement; dbt's ``inject_ctes_into_sql`` parses all of it to find ``with``.

    Args:
        sql: One compiled statement.
        ctes: dbt's ``InjectedCTE`` of each ephemeral model.

    Returns:
        The statement with one ``with`` that begins with the given ones.
    """
    if not ctes:
        return sql
    listed = ", ".join(cte.sql for cte in ctes)
    begin = _FIRST_WORD.match(sql).end()  # type: ignore[union-attr]  # it matches nothing at least
    found = _WITH.match(sql, begin)
    if found is None:
        return f"with{listed} {sql}"
    return f"{sql[: found.end()]}{listed}, {sql[found.end() :]}"


def as_parsed(manifest: Any) -> Any:
    """Undo in place what a run marks in dbt's manifest, so that the next run compiles every model again.

    Copying the manifest instead costs a third of a second.
    """
    for node in manifest.nodes.values():
        if node.resource_type != "seed":
            node.compiled, node.compiled_code, node.compiled_path = False, None, None
            node.extra_ctes_injected, node.extra_ctes, node._pre_injected_sql = False, [], None
    return manifest


def write_manifest(manifest: Any, path: Path) -> None:
    """Write dbt's manifest as ``manifest.write`` does, whose encoder works in Python piece by piece."""
    from dbt_common.utils.encoding import JSONEncoder

    content = manifest.writable_manifest().to_dict(omit_none=False, context={"artifact": True})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, cls=JSONEncoder), encoding="utf-8")
