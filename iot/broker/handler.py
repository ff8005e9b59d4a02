"""One connection of the embedded broker: acknowledgement after commit, silence noticed, an end that does not hang."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import structlog
from amqtt.adapters import StreamWriterAdapter
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.pubcomp import PubcompPacket
from amqtt.mqtt.pubrec import PubrecPacket
from amqtt.mqtt.pubrel import PubrelPacket
from amqtt.session import INCOMING, IncomingApplicationMessage, OutgoingApplicationMessage, Session

from iot import topics
from iot.broker.packets import PacketReader
from iot.inbox import Outcome
from iot.register import KnownDevice

log = structlog.get_logger(__name__)
STOP_S = 2.0
MOST_IN_FLIGHT = 256  # of one connection: what waits for the others in front of it is never more than this
MOST_UNREAD_BYTES = 1_048_576  # acknowledgements that a peer does not read
PUBACK = b"\x40\x02"
PLAIN = frozenset((0x30, 0x31, 0x32, 0x33, 0x3A, 0x3B))  # PUBLISH with QoS 0 or 1, any DUP and retain
Flow: TypeAlias = IncomingApplicationMessage | OutgoingApplicationMessage


class Receiver(Protocol):
    """What a connection knows of its broker."""

    def device_of(self, session: Session) -> KnownDevice | None:
        """The device that the session is authenticated as."""
        ...

    async def receive(self, device: KnownDevice, message: Flow) -> Outcome:
        """Commit a message."""
        ...

    def take(
        self, device: KnownDevice, topic: str, payload: bytes, head: int, committed: Callable[[Outcome], None]
    ) -> None:
        """Have a message committed; ``head`` is the first byte of its packet."""
        ...


class CommittingHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt ships no types
    """One connection. A message is acknowledged when its commit is done, never before."""

    door: Receiver

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gone = asyncio.Event()
        self._in_flight = 0
        self._acknowledged = bytearray()

    # -- the common case, without a task for each message -----------------------------------------------------------

    def take(self, packet: bytes, body: int) -> bool:
        """Take a plain event or result as it stands; False for what needs amqtt: QoS 2, status, and all oddities."""
        session = self.session
        device = self.door.device_of(session) if session else None
        topic_end = body + 2 + (packet[body] << 8 | packet[body + 1])
        payload_at = topic_end + (2 if packet[0] & 0x06 else 0)
        if device is None or packet[0] not in PLAIN or payload_at > len(packet) or len(packet) < body + 3:
            return False
        topic = packet[body + 2 : topic_end].decode()
        number = packet[topic_end:payload_at]
        if topic[0] == "$" or "+" in topic or "#" in topic or topic.endswith("/" + topics.STATUS) or number == b"\0\0":
            return False
        self._in_flight += 1
        if self._in_flight >= MOST_IN_FLIGHT and isinstance(self.reader, PacketReader):
            self.reader.own_room.clear()
        self.door.take(device, topic, packet[payload_at:], packet[0], lambda _: self._committed(number))
        return True

    def _committed(self, number: bytes) -> None:
        self._in_flight -= 1
        if self._in_flight <= MOST_IN_FLIGHT // 2 and isinstance(self.reader, PacketReader):
            self.reader.own_room.set()
        if number:
            if not self._acknowledged:
                asyncio.get_running_loop().call_soon(self._acknowledge)
            self._acknowledged += PUBACK + number

    def _acknowledge(self) -> None:
        """Send what was committed since the last time, in one piece."""
        data, self._acknowledged = bytes(self._acknowledged), bytearray()
        writer = self.writer
        if not isinstance(writer, StreamWriterAdapter) or writer.is_closed:
            return
        writer.write(data)
        if writer._writer.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            log.warning("connection_closed", why="it does not read its acknowledgements")
            writer._writer.transport.abort()

    # -- the rest, by amqtt -----------------------------------------------------------------------------------------

    async def _handle_qos0_message_flow(self, app_message: Flow) -> None:
        if app_message.direction != INCOMING:
            await super()._handle_qos0_message_flow(app_message)
        else:
            await self._take(app_message)

    async def _handle_qos1_message_flow(self, app_message: Flow) -> None:
        if app_message.direction != INCOMING:
            await super()._handle_qos1_message_flow(app_message)
        elif await self._take(app_message) and app_message.packet_id is not None:
            await self._send_packet(PubackPacket.build(app_message.packet_id))

    async def _handle_qos2_message_flow(self, app_message: Flow) -> None:
        if app_message.direction != INCOMING:
            await super()._handle_qos2_message_flow(app_message)
        elif await self._take(app_message) and app_message.packet_id is not None:
            await self._send_packet(PubrecPacket.build(app_message.packet_id))

    async def handle_pubrel(self, pubrel: PubrelPacket) -> None:
        """Complete every PUBREL, known or not: the unique key makes it exactly once, also after a restart."""
        await self._send_packet(PubcompPacket.build(pubrel.packet_id))

    async def _take(self, message: Flow) -> Outcome | None:
        """Store the message and wait for its commit. None: the sender is not one any more, or may not say this."""
        session = self.session
        device = self.door.device_of(session) if session else None
        if session is None or device is None or message.topic.startswith("$"):
            await self.handle_connection_closed()
            return None
        outcome = await self.door.receive(device, message)
        if message.topic.endswith("/" + topics.STATUS) and outcome is not Outcome.DEAD:
            session.delivered_message_queue.put_nowait(message)
        return outcome

    async def stop(self) -> None:
        """End the connection; one that does not take its last bytes is cut."""
        writer = self.writer
        try:
            await asyncio.wait_for(super().stop(), STOP_S)
        except TimeoutError:
            if isinstance(writer, StreamWriterAdapter):
                writer._writer.transport.abort()


def is_gone(handler: BrokerProtocolHandler) -> bool:
    """Whether the connection is over, will and all."""
    return isinstance(handler, CommittingHandler) and handler.gone.is_set()
