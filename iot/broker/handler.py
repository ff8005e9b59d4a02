"""One connection of the embedded broker: acknowledgement after commit, silence noticed, an end that does not hang."""

import asyncio
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
from iot.inbox import Outcome
from iot.register import KnownDevice

log = structlog.get_logger(__name__)
STOP_S = 2.0
Flow: TypeAlias = IncomingApplicationMessage | OutgoingApplicationMessage


class Receiver(Protocol):
    """What a connection knows of its broker."""

    def device_of(self, session: Session) -> KnownDevice | None:
        """The device that the session is authenticated as."""
        ...

    async def receive(self, device: KnownDevice, message: Flow) -> Outcome:
        """Commit a message."""
        ...


class CommittingHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt ships no types
    """One connection. A message is acknowledged when its commit is done, never before."""

    door: Receiver

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gone = asyncio.Event()

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
