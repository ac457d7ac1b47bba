"""The MQTT listener: topics ``canteen/<provider>/<layout>``, QoS 1, acknowledged after the disk.

Belongs here: the session with the broker. It is persistent and acknowledged by hand, so the broker keeps
what comes while we are away and sends again what we could not save. Who may publish to which topic is
the broker's own business (its access list).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.inbox import messages
from ingest.inbox.routes import Route
from ingest.inbox.spool import Spool
from warehouse.errors import Permanent, Refused

FILTER: Final = "canteen/+/+"
_LOG: Final = logging.getLogger("canteen.inbox")
_WAIT_S: Final = (1, 60)
_RETRY_S: Final = 5.0
_SESSION_S: Final = 7 * 24 * 3600
"""How long the broker keeps our session; MQTT 3.1.1 keeps it for good."""


class Listener:
    """A connection to one broker, kept up until it is stopped.

    Attributes:
        connected: Whether the broker has accepted our subscription.
    """

    def __init__(self, url: str, client_id: str, routes: Sequence[Route], spool: Spool) -> None:
        """Args:
        url: ``mqtt://user:password@host:1883`` or ``mqtts://``; ``?version=3`` for MQTT 3.1.1.
        client_id: Names our session with the broker.
        routes: Kinds of messages.
        spool: Where messages go.

        Raises:
            Permanent: The address is wrong.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise Permanent("CANTEEN_MQTT_URL 应形如 mqtt://用户:密码@127.0.0.1:1883，请改正后重新启动")
        self.connected = threading.Event()
        self._address = (parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883))
        self._is_v5 = parts.query != "version=3"
        self._routes = {f"canteen/{one.provider}/{one.layout}": one for one in routes}
        self._spool = spool
        self._again: threading.Timer | None = None
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if self._is_v5 else MQTTProtocolVersion.MQTTv311,
            clean_session=None if self._is_v5 else False,
            manual_ack=True,
        )
        if parts.scheme == "mqtts":
            self._client.tls_set()
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        self._client.reconnect_delay_set(*_WAIT_S)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Connect in the background; a broker that is not there is tried again with growing pauses."""
        options: dict[str, Any] = {}
        if self._is_v5:
            lasting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            lasting.SessionExpiryInterval = _SESSION_S
            options = {"clean_start": False, "properties": lasting}
        self._client.connect_async(*self._address, keepalive=30, **options)
        self._client.loop_start()

    def stop(self) -> None:
        """End the connection; the session stays with the broker."""
        if self._again is not None:
            self._again.cancel()
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        if reason.is_failure:
            _LOG.error("MQTT 代理拒绝连接：%s；请核对 CANTEEN_MQTT_URL 中的账号", reason)
            return
        client.subscribe(FILTER, qos=1)

    def _on_subscribe(self, _: paho.Client, __: Any, ___: int, reasons: list[Any], ____: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            _LOG.error("MQTT 代理拒绝订阅 %s：请在代理的权限表中放行", FILTER)
            return
        _LOG.info("已连接 MQTT 代理 %s:%s", *self._address)
        self.connected.set()

    def _on_disconnect(self, _: paho.Client, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        self.connected.clear()
        if reason.is_failure:
            _LOG.warning("与 MQTT 代理断开（%s），自动重连", reason)

    def _on_message(self, client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        route = self._routes.get(message.topic)
        if route is None:
            _LOG.warning("主题 %s 未登记，消息不取", message.topic[:120])
            client.ack(message.mid, message.qos)
            return
        try:
            kept = messages.lines(route, bytes(message.payload))
        except Refused as error:
            # The sender cannot be answered: the message goes to the door as it is, which refuses its file.
            _LOG.warning("主题 %s 的一条消息不合约定（%s），原样入收件夹", message.topic, error)
            kept = [messages.refused(bytes(message.payload))]
            route = messages.refused_route(route)
        waits = self._spool.submit(route, kept)
        left = len(waits)
        lock = threading.Lock()

        def told(done: Future[None]) -> None:
            nonlocal left
            if done.exception() is not None:
                self._try_later(done.exception())
                return
            with lock:
                left -= 1
                last = left == 0
            if last:
                client.ack(message.mid, message.qos)

        for wait in waits:
            wait.add_done_callback(told)

    def _try_later(self, error: BaseException | None) -> None:
        """What is not acknowledged comes again with the next connection."""
        _LOG.error("消息未能写盘：%s；%s 秒后重新连接，代理会再次送来", error, _RETRY_S)
        self._client.disconnect()
        self._again = threading.Timer(_RETRY_S, self._restart)
        self._again.daemon = True
        self._again.start()

    def _restart(self) -> None:
        self._client.loop_stop()
        self.start()
