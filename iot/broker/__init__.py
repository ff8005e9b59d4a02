"""The embedded broker: an MQTT 3.1.1 door whose PUBACK means *committed in PostgreSQL*.

The only place that knows amqtt (pinned to 0.12: private names are overridden here). What it does otherwise than amqtt
as shipped, each held by a test: acknowledgement after commit; authentication before any session is touched; the right
to publish judged before storing; retained messages only for one's own subscriptions; keep-alive, CONNECT time and
packet size enforced; the last will recorded; a taken-over connection ended; nothing queued for who is not there.
"""

from iot.broker.door import EmbeddedBroker, PortTaken

__all__ = ["EmbeddedBroker", "PortTaken"]
