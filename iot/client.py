"""The door at a site's own broker: a persistent session whose messages are acknowledged after our commit.

The only file of the room that knows paho. A bounded queue stands between network thread and writer; when it is full
the network thread stops reading the socket. Acknowledgements go out in the order of arrival, and only over the
connection that the message came by: packet numbers of an older connection mean nothing on a newer one.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from iot import topics
from iot.committer import BATCH, RETRY_S, Write, is_away, trouble_of
from iot.inbox import Arrival, Outcome
from iot.register import Registry, arrival

log = structlog.get_logger(__name__)
SESSION_S = 7 * 86_400
RECEIVE_MAXIMUM = 1000
QUEUED = 5000
CLIENT_ID = "dongting-ingest"


@dataclass(frozen=True)
class BrokerUrl:
    """``mqtt[s]://login:password@host:port/?client_id=…&version=5|311&ca=…&cert=…&key=…`` taken apart.

    ``ca`` is who must have signed the broker's certificate (the system's authorities unless told), ``cert`` and ``key``
    what we show it ourselves: PEM files.
    """

    host: str
    port: int
    is_tls: bool
    login: str | None
    password: str | None
    client_id: str
    version: MQTTProtocolVersion
    authority: str | None = None
    certificate: str | None = None
    key: str | None = None

    @classmethod
    def parse(cls, url: str) -> "BrokerUrl":
        """Take a URL apart; a fixed client id keeps the session at the broker across restarts."""
        parts, options = urlsplit(url), parse_qs(urlsplit(url).query)
        is_tls = parts.scheme == "mqtts"
        version = options.get("version", ["5"])[0]
        return cls(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or (8883 if is_tls else 1883),
            is_tls=is_tls,
            login=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            client_id=options.get("client_id", [CLIENT_ID])[0],
            version=MQTTProtocolVersion.MQTTv5 if version == "5" else MQTTProtocolVersion.MQTTv311,
            authority=options.get("ca", [None])[0],
            certificate=options.get("cert", [None])[0],
            key=options.get("key", [None])[0],
        )

    def tls(self) -> ssl.SSLContext:
        """Our side of TLS: the broker's name and certificate are checked. Raises OSError with the file's fault."""
        context = ssl.create_default_context(cafile=self.authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True)
class Came:
    """A message as the network thread hands it over."""

    connection: int
    mid: int
    qos: int
    topic: str
    payload: bytes
    is_dup: bool
    is_retained: bool
    at: float


class SiteBroker:
    """A connection to one broker. ``on_session_lost`` is told when the broker has forgotten our session."""

    name = "client"

    def __init__(
        self,
        url: str,
        registry: Registry,
        write: Write,
        after_commit: Callable[[Sequence[Arrival], Sequence[Outcome]], None],
        *,
        limit_bytes: int,
        on_session_lost: Callable[[str], None] = log.warning,
    ) -> None:
        self._to = BrokerUrl.parse(url)
        self._registry, self._write, self._after_commit = registry, write, after_commit
        self._limit_bytes, self._on_session_lost = limit_bytes, on_session_lost
        self._queue: queue.Queue[Came] = queue.Queue(QUEUED)
        self._oldest: float | None = None
        self._connection = 0
        self._lost = ""
        self._subscribed: frozenset[str] = frozenset()
        self._stopping = threading.Event()
        self.trouble = ""
        self.failed: BaseException | None = None
        self._client = self._made()
        self._writer = threading.Thread(target=self._write_all, name="writer", daemon=True)

    @property
    def address(self) -> str:
        """Where the broker is."""
        return f"{self._to.host}:{self._to.port}"

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands."""
        return bool(self._client.is_connected())

    @property
    def waiting(self) -> int:
        """Messages that were handed over and are not committed."""
        return self._queue.qsize()

    @property
    def oldest_waiting_s(self) -> float:
        """How long the batch in hand has been waiting, in seconds."""
        oldest = self._oldest
        return 0.0 if oldest is None else time.monotonic() - oldest

    def start(self) -> None:
        """Connect in the background, again and again until it works, and write what comes."""
        self._writer.start()
        known: dict[str, Any] = {}
        if self._to.version == MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_S
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            known = {"clean_start": False, "properties": properties}
        self._client.connect_async(self._to.host, self._to.port, keepalive=30, **known)
        self._client.loop_start()

    def stop(self) -> None:
        """Take no more; what is not committed stays with the broker and comes again."""
        self._stopping.set()
        self._client.disconnect()
        self._client.loop_stop()
        self._writer.join(5)

    def send(self, topic: str, payload: bytes, expires_s: float | None = None) -> bool:
        """Publish with QoS 1, never retained; False when the connection is away. Not to be called in a callback."""
        properties = None
        if self._to.version == MQTTProtocolVersion.MQTTv5 and expires_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, round(expires_s))
        if not self.is_connected:
            return False
        sent = self._client.publish(topic, payload, qos=1, retain=False, properties=properties)
        return bool(sent.rc == paho.MQTT_ERR_SUCCESS)

    def subscribe(self, filters: Iterable[str]) -> None:
        """Subscribe to our own grammar and to ``filters`` of makers' topics; what is subscribed stays."""
        wanted = frozenset((*topics.SUBSCRIBED, *filters))
        if wanted != self._subscribed and self.is_connected:
            self._subscribed = wanted
            self._client.subscribe([(one, 1) for one in sorted(wanted)])

    # -- callbacks of the network thread: an exception here would end it ------------------------------------------

    def _made(self) -> paho.Client:
        is_v5 = self._to.version == MQTTProtocolVersion.MQTTv5
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._to.client_id,
            protocol=self._to.version,
            manual_ack=True,
            clean_session=None if is_v5 else False,
        )
        client.max_inflight_messages_set(RECEIVE_MAXIMUM)
        client.reconnect_delay_set(1, 10)
        if self._to.login:
            client.username_pw_set(self._to.login, self._to.password)
        if self._to.is_tls:
            client.tls_set_context(self._to.tls())
        client.on_socket_open = self._no_delay
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._came
        return client

    def _no_delay(self, _client: paho.Client, _userdata: Any, opened: Any) -> None:
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, AttributeError) as why:
            log.warning("no_delay_refused", why=str(why))

    def _connected(self, client: paho.Client, _userdata: Any, flags: Any, reason: Any, _properties: Any) -> None:
        try:
            if reason.is_failure:
                log.error("broker_refused", address=self.address, reason=str(reason))
                return
            self._connection += 1
            log.info("broker_connected", address=self.address, session_present=flags.session_present)
            if not flags.session_present:
                self._lost = f"{self.address} did not know the session of {self._to.client_id}"
            filters = {one for device in self._registry.current.by_code.values() for one in device.topic_filters}
            self._subscribed = frozenset((*topics.SUBSCRIBED, *filters))
            client.subscribe([(one, 1) for one in sorted(self._subscribed)])
        except Exception:
            log.exception("callback_failed", callback="connect")

    def _disconnected(self, client: paho.Client, *_: Any) -> None:
        """What was under way to devices is dropped: paho would say it again later, a command has five seconds."""
        try:
            with client._out_message_mutex:
                client._out_messages.clear()
        except Exception:
            log.exception("callback_failed", callback="disconnect")

    def _came(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        try:
            came = Came(
                connection=self._connection,
                mid=message.mid,
                qos=message.qos,
                topic=_topic_of(message),
                payload=bytes(message.payload),
                is_dup=message.dup,
                is_retained=message.retain,
                at=time.monotonic(),
            )
            while not self._stopping.is_set():
                try:
                    self._queue.put(came, timeout=0.5)
                except queue.Full:
                    continue
                return
        except Exception:
            log.exception("callback_failed", callback="message")

    # -- the writer ------------------------------------------------------------------------------------------------

    def _write_all(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._lost:
                    detail, self._lost = self._lost, ""
                    self._on_session_lost(detail)
                batch = self._take()
                if batch:
                    self._commit(batch)
        except Exception as why:
            log.exception("writer_ended")
            self.failed = why

    def _take(self) -> list[Came]:
        try:
            batch = [self._queue.get(timeout=0.2)]
        except queue.Empty:
            return []
        self._oldest = batch[0].at
        while len(batch) < BATCH:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return batch

    def _commit(self, batch: Sequence[Came]) -> None:
        register = self._registry.current
        arrivals = [
            arrival(
                register,
                None,
                one.topic,
                one.payload,
                qos=one.qos,
                door="client",
                limit_bytes=self._limit_bytes,
                is_dup=one.is_dup,
                is_retained=one.is_retained,
            )
            for one in batch
        ]
        while not self._stopping.is_set():
            try:
                outcomes = self._write(arrivals)
            except Exception as error:
                if not is_away(error):
                    raise
                if self.trouble != (trouble := trouble_of(error)):
                    self.trouble = trouble
                    log.error(trouble, waiting=self.waiting, error=str(error)[:200])
                self._stopping.wait(RETRY_S)
                continue
            for one in batch:
                if one.qos and one.connection == self._connection:
                    self._client.ack(one.mid, one.qos)
            self._oldest, self.trouble = None, ""
            self._after_commit(arrivals, outcomes)
            return


def _topic_of(message: paho.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return bytes(message._topic).decode("utf-8", "surrogateescape")
