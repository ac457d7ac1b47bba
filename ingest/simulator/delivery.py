"""From a day's records to files at the door, with what befalls them on the way.

Belongs here: who delivers what when, file faults, and the journal of what arrived. Does not belong
here: the bytes of a file (``serialise``) and what canteens do (``behaviour``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import bad_rows, catalogue, registry, serialise, supervisor
from ingest.simulator.city import PINGJIANG, PROVIDERS, City
from ingest.simulator.faults import Fault
from ingest.simulator.garble import garbled
from ingest.simulator.journal import Journal
from ingest.simulator.outbox import Outbox
from ingest.simulator.plan import FileFault, Plan, provider_of
from ingest.simulator.records import Records, record_no
from ingest.simulator.serialise import STYLES, Style
from ingest.simulator.service import Service
from ingest.simulator.streams import IntArray, stream

FEEDS: Final = ("purchase", "stock_move", "stocktake", "meal_fee", "consumption", "refund")
_MIN_ROWS: Final = 4  # of a file that a fault can befall


@dataclass
class Batch:
    """One provider's rows of a feed about a day: arrays, records, and spoilt text rows."""

    provider: str
    feed: str
    about: date
    frame: pl.DataFrame
    spoilt: pl.DataFrame | None = None
    label: str = ""

    @property
    def stem(self) -> str:
        """File name without its ending."""
        return f"{self.label or self.feed}_{self.about:%Y%m%d}"


class Delivery:
    """Delivers day after day."""

    def __init__(self, city: City, service: Service, plan: Plan, journal: Journal, outbox: Outbox) -> None:
        self.city, self.service, self.plan, self.journal, self.outbox = city, service, plan, journal, outbox
        self._records = Records(city)
        self._dialect = supervisor.Dialect(city)
        self._edges = np.searchsorted(city.provider, np.arange(len(PROVIDERS) + 1))
        self.corrected_units = self.late_units = self.missing_units = 0

    # -- reference data and forms ---------------------------------------------------------------

    def registry(self, unit: IntArray) -> None:
        """The city's feeds and Pingjiang's tables, on the first day of the city's life."""
        city, start = self.city, self.plan.start
        suppliers = registry.suppliers(city)
        wrong = {s for s, _ in self.plan.wrong_suppliers}
        codes = [
            _mistyped(code) if s in wrong else code
            for s, code in zip(suppliers["s"].to_list(), suppliers["supplier_uscc"].to_list(), strict=True)
        ]
        frames = {
            "org": registry.organisations(city),
            "calendar": registry.calendar(city, self.service),
            "supplier": suppliers.with_columns(pl.Series("supplier_uscc", codes)).drop("s"),
            "ingredient": registry.ingredients(city),
        }
        paths = {feed: self._put("city", feed, frame, start, start) for feed, frame in frames.items()}
        self._put("supervisor", "access_grant", registry.access_grants(city), start, start)
        for s, repaired in self.plan.wrong_suppliers:
            right = suppliers.filter(pl.col("s") == s)
            code, provider = (
                str(right["supplier_uscc"][0]),
                PROVIDERS[s // (len(catalogue.SUPPLIER_GROUPS) * 3)],
            )
            note = f"校验位错误：{_mistyped(code)}；应为 {code}（{provider}）"
            self.plan.book.add(
                Fault("wrong_credit_code", "city", start, start, start, feed="supplier", record_no=_mistyped(code),
                      file=paths["supplier"], note=note)
            )  # fmt: skip
            if repaired is not None:
                self._put("city", "supplier", right.drop("s"), repaired, repaired)
        if self._dialect.first < self._dialect.last:
            grid = self._dialect.grid()
            own = pl.Series(unit[grid["c"].to_numpy(), grid["i"].to_numpy()])
            for table, frame in self._dialect.references(own).items():
                self._put(PROVIDERS[PINGJIANG], table, frame, start, start)

    def _put(self, provider: str, feed: str, frame: pl.DataFrame, arrival: date, about: date) -> str:
        style = STYLES[provider]
        content = serialise.body(serialise.text(frame, style), style)
        name, data = serialise.packed(content, f"{feed}_{arrival:%Y%m%d}", style)
        return self.outbox.put(provider, arrival, name, data, frame.height, about)

    def opening(self, stocktake: pl.DataFrame) -> None:
        """The opening stock-take, dated the day before, delivered with the first day's files."""
        eve = self.plan.start - timedelta(1)
        self.journal.add("stocktake", stocktake, eve, self.plan.start)
        for batch in self._batches("stocktake", stocktake, eve):
            if supervisor.speaks(batch.provider, "stocktake"):
                table = self._dialect.opening(batch.frame, eve)
                self._put_table(replace(batch, label="inv_inbound"), table, self.plan.start)
            else:
                self._send(batch, self.plan.start)

    def forms(self, about: date, frame: pl.DataFrame, day: date) -> None:
        """Forms filed on a day."""
        self.journal.add("disclosure_line", frame, about, day)
        for batch in self._batches("disclosure_line", frame, about):
            self._send(replace(batch, label=f"disclosure_line_{day:%m%d}"), day)

    # -- a day's facts --------------------------------------------------------------------------

    def day(self, day: date, frames: dict[str, pl.DataFrame]) -> None:
        """Deliver one day's facts."""
        held = {c: arrival for (c, d), arrival in self.plan.absent.items() if d == day}
        self.missing_units += sum(arrival is None for arrival in held.values())
        for feed in FEEDS:
            whole = frames[feed]
            frame = whole.filter(~pl.col("c").is_in(list(held))) if held else whole
            for c, arrival in held.items():
                if arrival is not None:
                    self._straggler(feed, whole.filter(pl.col("c") == c), day, c, arrival)
            frame, spoilt = self._spoil(feed, frame, day)
            for batch in self._batches(feed, frame, day):
                self._deliver(replace(batch, spoilt=spoilt.get(batch.provider)), day)

    def _batches(self, feed: str, frame: pl.DataFrame, about: date) -> list[Batch]:
        """One batch per provider that has rows."""
        c = frame["c"].to_numpy()
        edges = np.searchsorted(c, self._edges)
        out = []
        for p, name in enumerate(PROVIDERS):
            low, high = int(edges[p]), int(edges[p + 1])
            if high > low:
                provider = provider_of(self.city, int(c[low]), feed)
                label = supervisor.TABLES[feed] if supervisor.speaks(name, feed) and provider == name else ""
                out.append(Batch(provider, feed, about, frame.slice(low, high - low), label=label))
        return out

    def _straggler(self, feed: str, frame: pl.DataFrame, day: date, c: int, arrival: date) -> None:
        """One canteen's rows, in a file of their own, later."""
        self.journal.add(feed, frame, day, arrival)
        self.late_units += frame.height > 0
        for batch in self._batches(feed, frame, day):
            label = f"{batch.label or feed}_{self.city.canteen_ids[c]}"
            path = self._send(replace(batch, label=label), arrival)
            self._tell(
                "late_file", batch, arrival, path, f"迟到 {(arrival - day).days} 天（单个食堂补报）", c
            )

    def _spoil(
        self, feed: str, frame: pl.DataFrame, day: date
    ) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
        """Take out or add the rows that a clerk mistypes; returns them as text by provider."""
        out: dict[str, pl.DataFrame] = {}
        for event in self.plan.due(f"bad_{feed}", day):
            provider = provider_of(self.city, event.canteen, feed)
            if (event.canteen, day) in self.plan.absent or provider in out:
                continue
            frame, row = bad_rows.split(feed, frame, event.canteen, event.variant)
            if row.is_empty():
                continue
            event.done = True
            typed, note = bad_rows.spoil(
                feed, serialise.text(self._records.feed(feed, row, day), STYLES[provider]), event.variant
            )
            out[provider] = typed
            self.journal.refuse(feed, event.canteen, day, day)
            name = serialise.packed("", f"{feed}_{day:%Y%m%d}", STYLES[provider])[0]
            self.plan.book.add(
                Fault("bad_rows", provider, day, day, day, canteen_id=self.city.canteen_ids[event.canteen], feed=feed,
                      record_no=record_no(feed, self.city.canteen_ids[event.canteen], day, row["seq"][0]),
                      file=f"{provider}/{day:%Y-%m-%d}/{name}", note=note)
            )  # fmt: skip
        return frame, out

    def _deliver(self, batch: Batch, day: date) -> None:
        """Send a batch, with the fault that befalls it, if any."""
        fault = self._fault(batch, day)
        if fault is None:
            self.journal.add(batch.feed, batch.frame, day, day)
            self._send(batch, day)
            return
        fault.done = True
        rng = stream(self.city.seed, fault.kind, day.toordinal(), fault.provider, fault.variant)
        last = self.plan.end if fault.lag <= (self.plan.end - fault.day).days else day + timedelta(90)
        later = min(day + timedelta(fault.lag), max(last, day + timedelta(1)))
        if fault.kind == "late_file":
            path = self._send(batch, later)
            self.late_units += batch.frame["c"].n_unique()
            self.journal.add(batch.feed, batch.frame, day, later)
            self._tell(fault.kind, batch, later, path, f"迟到 {(later - day).days} 天")
        elif fault.kind == "corrected_file":
            wrong, right, units = garbled(batch.feed, batch.frame, rng, (later - day).days)
            self._send(replace(batch, frame=wrong), day)
            path = self._send(replace(batch, frame=right), later, suffix="_v2")
            self.corrected_units += units
            self.journal.add(batch.feed, wrong, day, day, later)
            self.journal.add(batch.feed, right, day, later)
            self._tell(fault.kind, batch, later, path, f"更正 {units} 个食堂日，旧文件作废")
        elif fault.kind == "truncated_file":
            path = self._send(batch, day, cut_at=fault.variant % 2)
            self._tell(fault.kind, batch, day, path, "行尾处截断" if fault.variant % 2 else "行中截断")
            if fault.lag > 0:
                self._send(batch, later)
                self.journal.add(batch.feed, batch.frame, day, later)
        else:
            self.journal.add(batch.feed, batch.frame, day, day)
            self._harmless(fault, batch, day, later, rng)

    def _harmless(
        self, fault: FileFault, batch: Batch, day: date, later: date, rng: np.random.Generator
    ) -> None:
        """Faults that change a file's looks or repeat it, never its content."""
        table, style = self._table(batch), STYLES[batch.provider]
        labels = not supervisor.speaks(batch.provider, batch.feed)
        looks = {
            "gbk_file": replace(style, kind="csv", encoding="gb18030", labels=labels, codes=labels),
            "bom_file": replace(style, kind="csv", encoding="utf-8-sig"),
            "shuffled_columns": replace(style, kind="csv"),
        }
        if fault.kind in looks:
            style = looks[fault.kind]
            if fault.kind == "shuffled_columns":
                table = serialise.shuffled_columns(table, rng)
            path = self._put_table(batch, table, day, style)
            self._tell(fault.kind, batch, day, path, f"编码 {style.encoding}")
            return
        self._put_table(batch, table, day)
        if fault.kind == "resent_file":
            table, style = serialise.other_export(table, style, rng)
            path = self._put_table(batch, table, later, style, suffix="_cs")
            self._tell(fault.kind, batch, later, path, "重新导出：顺序、编码或格式不同，内容相同")
            return
        name, data = serialise.packed(serialise.body(serialise.text(table, style), style), batch.stem, style)
        if style.packing == "" and fault.variant % 2:
            name, data = f"{batch.stem}_copy.zip", serialise.zipped(name, data)
        else:
            name = name.replace(batch.stem, f"{batch.stem}_copy")
        path = self.outbox.put(batch.provider, later, name, data, table.height, day)
        self._tell(fault.kind, batch, later, path, "同一文件换名或重新压缩后再送")

    def _fault(self, batch: Batch, day: date) -> FileFault | None:
        """The fault that waits for this file; a fault that needs a later day is not started on the last one."""
        if batch.spoilt is not None or batch.frame.height < _MIN_ROWS:
            return None
        for fault in self.plan.due_files(day):
            named = provider_of(self.city, int(self._edges[fault.provider]), batch.feed)
            wants_later = fault.lag > 0 and fault.kind not in ("gbk_file", "bom_file", "shuffled_columns")
            fits = fault.feed == batch.feed and named == batch.provider and self._plain(fault, batch)
            if fits and not (wants_later and day >= self.plan.end):
                return fault
        return None

    def _plain(self, fault: FileFault, batch: Batch) -> bool:
        """Whether the fault fits the provider: a dump knows no other labels or later report."""
        dialect = supervisor.speaks(batch.provider, batch.feed)
        return not (dialect and fault.kind in ("corrected_file", "resent_file"))

    # -- files ----------------------------------------------------------------------------------

    def _table(self, batch: Batch) -> pl.DataFrame:
        if supervisor.speaks(batch.provider, batch.feed):
            return self._dialect.table(batch.feed, batch.frame, batch.about)
        return self._records.feed(batch.feed, batch.frame, batch.about)

    def _send(self, batch: Batch, arrival: date, suffix: str = "", cut_at: int | None = None) -> str:
        return self._put_table(batch, self._table(batch), arrival, suffix=suffix, cut_at=cut_at)

    def _put_table(
        self, batch: Batch, table: pl.DataFrame, arrival: date, style: Style | None = None, suffix: str = "",
        cut_at: int | None = None,
    ) -> str:  # fmt: skip
        style = style or STYLES[batch.provider]
        rows = serialise.text(table, style)
        if batch.spoilt is not None:
            rows = pl.concat([rows, batch.spoilt])
        content = serialise.body(rows, style)
        if cut_at is not None:
            content = serialise.cut(content, at_line_end=bool(cut_at))
        name, data = serialise.packed(content, batch.stem + suffix, style)
        return self.outbox.put(batch.provider, arrival, name, data, rows.height, batch.about)

    def _tell(
        self, kind: str, batch: Batch, arrival: date, path: str, note: str, canteen: int | None = None
    ) -> None:
        self.plan.book.add(
            Fault(kind, batch.provider, batch.about, batch.about, arrival, feed=batch.feed, file=path, note=note,
                  canteen_id=None if canteen is None else self.city.canteen_ids[canteen])
        )  # fmt: skip


def _mistyped(code: str) -> str:
    """A credit code whose check character is wrong."""
    return code[:-1] + ("1" if code[-1] != "1" else "2")
