"""Two county platforms in databases, registered in a data home by YAML alone; extraction that can be killed.

Belongs here: databases with random names on the servers of this machine, the registrations, and a child
process that dies after a chosen durable step. Does not belong here: any reckoning.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import forked
import pytest

VARIABLE = "CANTEEN_DB_TEST_COUNTY"
ARRIVAL = dt.date(2026, 9, 30)
KINDS = ("mariadb", "postgresql", "sqlite")

# A county platform as many are: its own numbers, soft deletes, a time of the last change.
PLATFORM_SCHEMA = """
create table canteens (id bigint primary key, name varchar(255), code varchar(64));
create table inv_products (id bigint primary key, name varchar(255), unit varchar(64), deleted smallint);
create table inv_suppliers (id bigint primary key, name varchar(255), license varchar(128), deleted smallint);
create table inv_inbound (id bigint primary key, canteen_id bigint, product_id bigint, supplier_id bigint,
  qty decimal(18,3), unit_price decimal(18,2), doc_no varchar(64), at timestamp null, deleted smallint,
  updated_at timestamp null);
"""
PLATFORM_SOURCE = """
source: testplatform
label: 县平台
tables:
  - name: canteens
    columns: [id, name, code, _extracted_at]
    feeds:
      - feed: provider_key
        columns: {entity: {value: canteen}, source_key: {from: id}, target_code: {from: code},
                  name: {from: name}, unit: {value: null}, reported_at: {from: _extracted_at}}
  - name: products
    columns: [id, name, unit, _extracted_at]
    feeds:
      - feed: provider_key
        columns: {entity: {value: ingredient}, source_key: {from: id}, target_code: {value: null},
                  name: {from: name}, unit: {from: unit}, reported_at: {from: _extracted_at}}
  - name: inbound
    columns: [id, canteen_id, product_id, license, qty, unit_price, doc_no, at, _extracted_at]
    feeds:
      - feed: purchase
        columns:
          record_no: {from: id, prefix: "in:"}
          canteen_id: {from: canteen_id}
          account_kind: {value: pupil}
          biz_date: {from: at, part: date}
          order_no: {from: doc_no}
          supplier_uscc: {from: license}
          ingredient_id: {from: product_id}
          spec: {value: null}
          unit: {value: null}
          ordered_qty: {from: qty}
          accepted_qty: {from: qty}
          rejected_qty: {value: "0"}
          unit_price: {from: unit_price}
          amount_yuan: {product: [qty, unit_price]}
          accepted_on: {from: at, part: date}
          acceptor_count: {value: null}
          reported_at: {from: _extracted_at}
"""
PLATFORM_PROVIDER = """
provider: testcounty
label: 测试县平台
source: testplatform
counties: ["430602"]
feeds: [provider_key, purchase, withdrawal]
duties: [purchase]
on_tie: latest_arrival
database:
  kind: KIND
  connection: CANTEEN_DB_TEST_COUNTY
  page_rows: PAGE
  tables:
    - layout: canteens
      table: canteens
      columns: {id: canteens.id, name: canteens.name, code: canteens.code}
      key: [canteens.id]
    - layout: products
      table: inv_products
      live: {inv_products.deleted: "0"}
      columns: {id: inv_products.id, name: inv_products.name, unit: inv_products.unit}
      key: [inv_products.id]
    - layout: inbound
      table: inv_inbound
      joins: [{table: inv_suppliers, left: inv_inbound.supplier_id, right: inv_suppliers.id}]
      live: {inv_inbound.deleted: "0"}
      columns: {id: inv_inbound.id, canteen_id: inv_inbound.canteen_id, product_id: inv_inbound.product_id,
                license: inv_suppliers.license, qty: inv_inbound.qty, unit_price: inv_inbound.unit_price,
                doc_no: inv_inbound.doc_no, at: inv_inbound.at}
      key: [inv_inbound.id]
      canteen: inv_inbound.canteen_id
      day: inv_inbound.at
      cursor: {column: inv_inbound.updated_at, kind: time, overlap: 600}
"""

# A school's own finance book: one canteen, money as REAL, weights in jin, dates as text, no time of change.
BOOK_SCHEMA = """
create table canteen_supplies (id integer primary key, name text, unit text);
create table canteen_purchases (id integer primary key, order_no text, purchase_date text, supplier_name text);
create table canteen_purchase_items (id integer primary key, purchase_id integer, supply_id integer,
  quantity REALTYPE, unit_price REALTYPE, subtotal REALTYPE);
"""
BOOK_SOURCE = """
source: testbook
label: 学校财务账
tables:
  - name: items
    columns: [id, order_no, purchase_date, supplier_name, supply_id, unit, quantity, unit_price, subtotal, _extracted_at]
    feeds:
      - feed: purchase
        columns:
          record_no: {from: id, prefix: "item:"}
          canteen_id: {value: BOOK1}
          account_kind: {value: pupil}
          biz_date: {from: purchase_date, part: date}
          order_no: {from: order_no}
          supplier_uscc: {from: supplier_name}
          ingredient_id: {from: supply_id}
          spec: {value: null}
          unit: {from: unit}
          ordered_qty: {from: quantity}
          accepted_qty: {from: quantity}
          rejected_qty: {value: "0"}
          unit_price: {from: unit_price}
          amount_yuan: {from: subtotal}
          accepted_on: {from: purchase_date, part: date}
          acceptor_count: {value: null}
          reported_at: {from: _extracted_at}
"""
BOOK_PROVIDER = """
provider: testcounty
label: 测试学校账
source: testbook
counties: ["430602"]
feeds: [purchase, withdrawal]
duties: [purchase]
on_tie: latest_arrival
database:
  kind: KIND
  connection: CANTEEN_DB_TEST_COUNTY
  page_rows: PAGE
  tables:
    - layout: items
      table: canteen_purchase_items
      joins:
        - {table: canteen_purchases, left: canteen_purchase_items.purchase_id, right: canteen_purchases.id}
        - {table: canteen_supplies, left: canteen_purchase_items.supply_id, right: canteen_supplies.id}
      columns:
        id: canteen_purchase_items.id
        order_no: canteen_purchases.order_no
        purchase_date: canteen_purchases.purchase_date
        supplier_name: canteen_purchases.supplier_name
        supply_id: canteen_purchase_items.supply_id
        unit: canteen_supplies.unit
        quantity: canteen_purchase_items.quantity
        unit_price: canteen_purchase_items.unit_price
        subtotal: canteen_purchase_items.subtotal
      key: [canteen_purchase_items.id]
      day: canteen_purchases.purchase_date
      compare: [canteen_purchase_items.quantity, canteen_purchase_items.subtotal]
"""


class County:
    """A county's database and the data home that it is registered in.

    Attributes:
        kind: Kind of the database.
        address: What the environment variable holds.
    """

    def __init__(self, kind: str, address: str, connection: Any, mark: str) -> None:
        self.kind = kind
        self.address = address
        self._connection = connection
        self._mark = mark

    def script(self, sql: str) -> None:
        """Several statements without parameters."""
        sql = sql.replace(
            "REALTYPE", {"mariadb": "double", "postgresql": "double precision"}.get(self.kind, "real")
        )
        for statement in filter(str.strip, sql.split(";")):
            self.run(statement)

    def run(self, sql: str, *rows: tuple[Any, ...]) -> None:
        """One statement, once per row of parameters; committed."""
        cursor = self._connection.cursor()
        for row in rows or ((),):
            cursor.execute(sql.replace("?", self._mark), row)
        self._connection.commit()
        cursor.close()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        cursor = self._connection.cursor()
        cursor.execute(sql)
        found = list(cursor.fetchall())
        self._connection.commit()
        cursor.close()
        return found


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[County]:
    """A new database, dropped at the end; skips loudly where its server does not answer."""
    name = f"canteen_test_{secrets.token_hex(6)}"
    if kind == "sqlite":
        path = folder / f"{name}.db"
        connection = sqlite3.connect(path)
        try:
            yield County(kind, f"sqlite:///{path}".replace("////", "///"), connection, "?")
        finally:
            connection.close()
        return
    server, connect, address = _mariadb(name) if kind == "mariadb" else _postgresql(name)
    quote = "`" if kind == "mariadb" else '"'
    server.cursor().execute(f"create database {quote}{name}{quote}")
    connection = connect()
    try:
        yield County(kind, address, connection, "%s")
    finally:
        connection.close()
        server.cursor().execute(f"drop database {quote}{name}{quote}")
        server.close()


def _mariadb(name: str) -> tuple[Any, Any, str]:
    import pymysql

    given = {"host": "127.0.0.1", "user": "root", "password": ""}
    try:
        server = pymysql.connect(**given, connect_timeout=3, autocommit=True)
    except pymysql.err.OperationalError as error:
        pytest.skip(f"no MariaDB on 127.0.0.1:3306, so this kind was not tested: {error}")
    return server, lambda: pymysql.connect(**given, database=name), f"mysql://root@127.0.0.1:3306/{name}"


def _postgresql(name: str) -> tuple[Any, Any, str]:
    import psycopg

    base = "postgresql://postgres@127.0.0.1:5432"
    try:
        server = psycopg.connect(f"{base}/postgres", connect_timeout=3, autocommit=True)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL on 127.0.0.1:5432, so this kind was not tested: {error}")
    return server, lambda: psycopg.connect(f"{base}/{name}"), f"{base}/{name}"


def register(home: Path, kind: str, provider: str, source: str, page: int = 20) -> None:
    """Write the two YAML files of a county into a data home."""
    name = source.split("source: ")[1].split()[0]
    (home / "providers").mkdir(parents=True, exist_ok=True)
    (home / "sources" / name).mkdir(parents=True, exist_ok=True)
    text = provider.replace("KIND", kind).replace("PAGE", str(page))
    (home / "providers" / "testcounty.yaml").write_text(text, "utf8")
    (home / "sources" / name / "tables.yaml").write_text(source, "utf8")


def _extract(home: Path, landing: Path, address: str, kill_after: int | None, log: Path) -> None:
    from ingest import providers
    from ingest.connectors import extraction

    os.environ[VARIABLE] = address
    steps = 0

    def on_step(name: str) -> None:
        nonlocal steps
        with log.open("a") as out:
            out.write(f"{name}\n")
        if steps == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    extraction.run(home, providers.get("testcounty", home), landing, ARRIVAL, on_step)


def extract(home: Path, address: str, kill_after: int | None = None) -> tuple[list[str], int | None]:
    """Extract in a process of its own; kill it after the step with the given number (from 0).

    Returns:
        The steps that were reached, and the exit code (-9 when it was killed).
    """
    log = home / "steps.log"
    log.unlink(missing_ok=True)
    code = forked.run(_extract, home, home / "landing", address, kill_after, log)
    return log.read_text().split() if log.exists() else [], code
