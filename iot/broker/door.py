"""The broker itself: who may connect and say what, messages in to the committer and out to who listens."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from ssl import SSLContext
from typing import Any

import structlog
from amqtt.adapters import ReaderAdapter, StreamWriterAdapter, WriterAdapter
from amqtt.broker import Broker, Server
from amqtt.contexts import Action, ListenerConfig, ListenerType
from amqtt.errors import AMQTTError, BrokerError, MQTTError
from amqtt.mqtt.connack import NOT_AUTHORIZED, SERVER_UNAVAILABLE, ConnackPacket
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import Session

from iot.broker.handler import STOP_S, CommittingHandler, Flow, is_gone
from iot.broker.packets import PACKET_BYTES, PacketReader
from iot.broker.steady import SteadyDict
from iot.broker.tls import NoTlsFiles, Tls, shown
from iot.committer import Committer, is_away
from iot.inbox import Outcome
from iot.register import KnownDevice, Registry, arrival
from iot.text import storable
from wms.errors import N_, Kind, WmsError

log = structlog.get_logger(__name__)
CONNECT_S = 5.0
KEEP_ALIVE_FACTOR = 1.5
TAKE_OVER_S = 5.0
MAX_CONNECTIONS = 10_000
LOGGERS = ("amqtt", "transitions")
DEVICE = "dongting.device"
PLAIN, TLS = "plain", "tls"


def _nobody_listens(_: KnownDevice) -> None:
    pass


def _nobody_asks(_: str) -> None:
    pass


class PortTaken(WmsError):
    """Another program listens where the embedded broker should."""

    code = "port_taken"
    kind = Kind.UNAVAILABLE
    text = N_("The broker cannot listen on %(host)s port %(port)s: %(reason)s. Free it or set %(variable)s.")


class EmbeddedBroker(Broker):  # type: ignore[misc]  # amqtt ships no types
    """amqtt's broker with our door. ``limit_bytes`` is the largest payload that is not quarantined."""

    def __init__(
        self,
        registry: Registry,
        committer: Committer,
        host: str,
        port: int,
        *,
        limit_bytes: int,
        tls: Tls | None = None,
        is_plain: bool = True,
        on_listening: Callable[[KnownDevice], None] = _nobody_listens,
        on_refused: Callable[[str], None] = _nobody_asks,
    ) -> None:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # that it cannot start is said by us, in one line
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        listener = {"type": "tcp", "bind": bind, "max_connections": MAX_CONNECTIONS}
        self._tls, self._names = tls, {PLAIN: "default", TLS: "tls"}
        listeners = {"default": listener}
        if tls is not None:
            if not is_plain:  # amqtt wants one called default
                self._names = {TLS: "default"}
            listeners[self._names[TLS]] = listener | {
                "bind": bind.removesuffix(str(port)) + str(tls.port),
                "ssl": True,
            }
        super().__init__({"listeners": listeners, "plugins": {}})
        self._registry, self._committer, self._limit_bytes = registry, committer, limit_bytes
        self._host, self._on_listening = host, on_listening
        self._opening = self._names.get(PLAIN, "default"), port  # the listener that is being opened, and its port
        self._on_refused = on_refused
        self._subscriptions = SteadyDict()
        self._is_closing = False
        self._open: set[asyncio.StreamWriter] = set()
        self.port, self.tls_port = port, 0  # those listened on, once it is open; 0: not listened on

    # -- start and stop ------------------------------------------------------------------------------------------

    async def open(self, retained: Iterable[tuple[str, bytes]]) -> None:
        """Listen, with the retained status messages of before. Raises :class:`PortTaken`."""
        try:
            await self.start()
        except BrokerError as why:
            cause = why.__cause__
            if isinstance(cause, NoTlsFiles):
                raise cause from why
            reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause or why)
            is_tls = self._names.get(TLS) == self._opening[0]
            variable = "DONGTING_MQTT_TLS_PORT" if is_tls else "DONGTING_MQTT_PORT"
            raise PortTaken(host=self._host, port=self._opening[1], reason=reason, variable=variable) from why
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        self.port, self.tls_port = self._listened(PLAIN), self._listened(TLS)
        for topic, payload in retained:
            await self.retain_message(None, topic, payload, 1)

    def _listened(self, name: str) -> int:
        server = self._servers.get(self._names.get(name, ""))
        instance = server.instance if server else None
        return int(instance.sockets[0].getsockname()[1]) if isinstance(instance, asyncio.Server) else 0

    async def _create_server_instance(
        self,
        listener_name: str,
        listener_type: ListenerType,  # noqa: ARG002 - amqtt's signature
        address: str | None,
        port: int,
        ssl_context: SSLContext | None,
    ) -> Any:
        """As amqtt, but who is slow to shake hands is closed as soon as who is slow to say CONNECT."""
        self._opening = listener_name, port
        patience_s = None if ssl_context is None else CONNECT_S
        connected = partial(self.stream_connected, listener_name=listener_name)
        return await asyncio.start_server(
            connected, address, port, reuse_address=True, ssl=ssl_context, ssl_handshake_timeout=patience_s
        )

    def _create_ssl_context(self, _: ListenerConfig) -> SSLContext:
        assert self._tls is not None
        return self._tls.context()

    async def close(self) -> None:
        """Take no more, commit and acknowledge what waits, then close every connection."""
        self._is_closing = True
        for server in self._servers.values():
            server.instance.close()
        await self._committer.settle(STOP_S)
        with suppress(Exception):
            await asyncio.wait_for(self.shutdown(), STOP_S + 1)
        for left in list(self._open):  # nothing outlives the loop: a peer that does not read is cut
            left.transport.abort()
            with suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(left.wait_closed(), 1)

    # -- messages in ---------------------------------------------------------------------------------------------

    def device_of(self, session: Session) -> KnownDevice | None:
        """The device that this session is authenticated as, while it is registered and active."""
        return self._registry.current.by_code.get(session.attributes.get(DEVICE, ""))

    async def receive(self, device: KnownDevice, message: Flow) -> Outcome:
        """Commit one message of ``device``."""
        packet = message.publish_packet
        came = arrival(
            self._registry.current,
            device,
            message.topic,
            bytes(message.data),
            qos=message.qos or 0,
            door="embedded",
            limit_bytes=self._limit_bytes,
            is_dup=bool(packet and packet.dup_flag),
            is_retained=bool(message.retain),
        )
        return await self._committer.submit(came)

    def take(
        self, device: KnownDevice, topic: str, payload: bytes, head: int, committed: Callable[[Outcome], None]
    ) -> None:
        """Have one message of ``device`` committed; ``head`` is the first byte of its packet."""
        came = arrival(
            self._registry.current,
            device,
            topic,
            payload,
            qos=head >> 1 & 3,
            door="embedded",
            limit_bytes=self._limit_bytes,
            is_dup=bool(head & 8),
            is_retained=bool(head & 1),
        )
        self._committer.put(came, committed)

    async def _handle_disconnect(
        self,
        client_session: Session,
        handler: BrokerProtocolHandler,
        disconnect_waiter: "asyncio.Future[Any]",
    ) -> None:
        """As amqtt, but the last will goes through the inbox first, and only where its device may publish it."""
        is_abrupt = not isinstance(disconnect_waiter.result(), DisconnectPacket)
        device = self.device_of(client_session)
        if self._is_closing or device is None:
            client_session.will_flag = False
        elif is_abrupt and client_session.will_flag and client_session.will_topic:
            came = arrival(
                self._registry.current,
                device,
                client_session.will_topic,
                bytes(client_session.will_message or b""),
                qos=client_session.will_qos or 0,
                door="embedded",
                limit_bytes=self._limit_bytes,
                is_retained=bool(client_session.will_retain),
                is_will=True,
            )
            self._committer.submit(came)
            client_session.will_flag = came.reason is None
        await super()._handle_disconnect(client_session, handler, disconnect_waiter)

    # -- messages out --------------------------------------------------------------------------------------------

    async def send(self, topic: str, payload: bytes) -> bool:
        """Send to whoever is connected and listens to ``topic``; False when nobody does."""
        heard = any(
            session.transitions.state == "connected" and self._may(session, topic, Action.RECEIVE)
            for topic_filter, subscribers in self._subscriptions.items()
            if self._matches(topic, topic_filter)
            for session, _ in subscribers
        )
        if heard:
            await self.internal_message_broadcast(topic, payload)
        return heard

    async def _retain_broadcast_message(self, broadcast: dict[str, Any], qos: int, target_session: Session) -> None:
        """Nothing waits for a device that is away: receipts are cumulative and commands live five seconds."""

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Only to a session that has subscribed to this filter itself, and only what it may read."""
        topic_filter, qos = subscription
        owners = self._subscriptions.get(topic_filter, ())
        handler = self._get_handler(session)
        if handler is None or all(owner is not session for owner, _ in owners):
            return
        for topic, retained in list(self._retained_messages.items()):
            if self._matches(topic, topic_filter) and self._may(session, topic, Action.RECEIVE):
                with suppress(AMQTTError, TimeoutError):
                    await handler.mqtt_publish(topic, retained.data, min(qos, retained.qos or 0), retain=True)

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """As amqtt; whoever begins to listen gets its receipt at once."""
        granted: int = await super().add_subscription(subscription, session)
        device = self.device_of(session)
        if granted <= 2 and device:
            self._on_listening(device)
        return granted

    # -- who may connect and what they may do ----------------------------------------------------------------------

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """A new connection, read packet by packet."""
        packets = PacketReader(reader, self._committer.room)
        self._open.add(writer)
        try:
            await self._client_connected(listener_name, packets, StreamWriterAdapter(writer))
            writer.close()
            await asyncio.wait_for(writer.wait_closed(), STOP_S)
        except OSError:  # the peer is gone already; a TimeoutError is one too: it does not read what waits for it
            pass
        except asyncio.CancelledError:  # we end; asyncio's streams would report a cancelled connection as an error
            pass
        finally:
            writer.transport.abort()
            self._open.discard(writer)

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        """Read CONNECT, authenticate, and only then touch sessions. Every failure closes the connection."""
        try:
            handler, session = await asyncio.wait_for(
                CommittingHandler.init_from_connect(reader, writer, self.plugins_manager), CONNECT_S
            )
            device = await self._identify(session, writer, remote_address)
        except Exception as why:
            with suppress(Exception):
                await asyncio.wait_for(writer.close(), STOP_S)
            raise MQTTError(f"no session for {remote_address}:{remote_port}: {why}") from why
        assert isinstance(handler, CommittingHandler)
        handler.door = self
        if isinstance(reader, PacketReader):
            reader.limit = PACKET_BYTES
            reader.patience_s = session.keep_alive * KEEP_ALIVE_FACTOR or None
        session.keep_alive = 0  # the reader sees to it; amqtt would set a timer for each packet and end nothing
        session = await self._session_for(session, device)
        if isinstance(reader, PacketReader):
            reader.take = handler.take
        return handler, session

    async def _identify(self, session: Session, writer: WriterAdapter, remote_address: str) -> KnownDevice:
        """The device whose token or certificate was given under a client id that is its own.

        A certificate stands for the device of its name and no other; a token that comes with it must be right, too.
        Raises after a refusing CONNACK.
        """
        loop = asyncio.get_running_loop()
        refusal = NOT_AUTHORIZED
        certificate = shown(writer.get_ssl_info())
        try:
            if certificate is None:
                proof = partial(self._registry.authenticate, session.username, session.password)
            else:
                session.username = session.username or certificate.name
                proof = partial(
                    self._registry.certified,
                    session.username,
                    session.password,
                    certificate.name,
                    certificate.valid_from_at,
                )
            device = await loop.run_in_executor(None, proof)
        except Exception as error:
            if not is_away(error):
                raise
            device, refusal = None, SERVER_UNAVAILABLE
        if device is not None and device.may_connect_as(session.client_id or ""):
            return device
        log.warning("connect_refused", user=session.username, client=session.client_id, address=remote_address)
        self._on_refused(storable(session.username or session.client_id or "?")[:64])
        await ConnackPacket.build(0, refusal).to_stream(writer)
        raise MQTTError("not authorised")

    async def _session_for(self, session: Session, device: KnownDevice) -> Session:
        """The session to go on with. From the last check on nothing is awaited that could let another in between."""
        client_id = session.client_id or ""
        while (found := self._sessions.get(client_id)) and not is_gone(found[1]):
            await self._end(client_id, found[1])
        if session.clean_session:
            await self._delete_session(client_id)
        elif found:
            kept = found[0]
            for name in ("will_flag", "will_message", "will_topic", "will_qos", "will_retain", "keep_alive"):
                setattr(kept, name, getattr(session, name))
            kept.username, kept.password, kept.parent = session.username, None, 1
            session = kept
        session.password = None
        session.is_anonymous = False
        session.attributes[DEVICE] = device.code
        return session

    async def _end(self, client_id: str, handler: BrokerProtocolHandler) -> None:
        """End an older connection of the same device and wait until its loop is over, will and all."""
        log.info("taken_over", client=client_id)
        await handler.handle_connection_closed()
        await handler.stop()
        if isinstance(handler, CommittingHandler):
            with suppress(TimeoutError):
                await asyncio.wait_for(handler.gone.wait(), TAKE_OVER_S)
            handler.gone.set()

    async def _handle_client_session(
        self,
        reader: ReaderAdapter,
        writer: WriterAdapter,
        client_session: Session,
        handler: BrokerProtocolHandler,
        server: Server,
        listener_name: str,
    ) -> None:
        try:
            await super()._handle_client_session(reader, writer, client_session, handler, server, listener_name)
        finally:
            if isinstance(handler, CommittingHandler):
                handler.gone.set()

    async def _authenticate(self, session: Session, _: ListenerConfig) -> bool:
        return self.device_of(session) is not None

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        return self._may(session, topic, action)

    def _may(self, session: Session, topic: str, action: Action) -> bool:
        device = self.device_of(session)
        if device is None:
            return False
        if action == Action.PUBLISH:
            return device.may_publish(topic)
        return device.may_subscribe(topic) if action == Action.SUBSCRIBE else device.may_receive(topic)

    async def _session_monitor(self) -> None:
        """Forget clean sessions that are over; look again right before, for a device may have come back meanwhile."""
        while True:
            for client_id in list(self._sessions):
                session, handler = self._sessions.get(client_id, (None, None))
                if session and handler and session.clean_session and is_gone(handler):
                    await self._delete_session(client_id)
            await asyncio.sleep(1)
