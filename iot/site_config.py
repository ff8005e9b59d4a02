"""What a site's own Mosquitto is to be told: its configuration and the access list, made from the device register.

A device shows a client certificate of our authority; its common name is its code and becomes its user name. It may say
only its own event, status and result, hear only its own receipt and command, and its maker's topics that are registered
for it. Ingest has a certificate of its own and may read all that devices say and write what is for them, nothing else.
"""

from collections.abc import Iterable
from pathlib import Path

from iot import topics
from iot.register import KnownDevice

SERVICE = "dongting-ingest"

CONFIGURATION = """\
# Mosquitto 2.0.18 or later, for Dongting. Made by `dongting broker config`; make it anew after a device was registered,
# then: systemctl reload mosquitto. What its acknowledgement is worth: docs/brokers.md.
per_listener_settings false
persistence true
persistence_location {state}/
autosave_interval 10
max_queued_messages 100000
max_inflight_messages 1000
max_packet_size 4194304
set_tcp_nodelay true
allow_anonymous false
acl_file {folder}/acl

listener {port} {host}
cafile {authority}
certfile {certificate}
keyfile {key}
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
"""


def configuration(
    folder: Path, *, authority: Path, certificate: Path, key: Path, state: Path, host: str, port: int
) -> str:
    """The text of mosquitto.conf; the paths are those of the broker's machine."""
    return CONFIGURATION.format(
        folder=folder, authority=authority, certificate=certificate, key=key, state=state, host=host, port=port
    )


def access_list(devices: Iterable[KnownDevice], service: str = SERVICE) -> str:
    """The text of the access list. Nobody is allowed what it does not name."""
    lines = ["# Made by `dongting broker config` from the device register.", f"user {service}"]
    known = sorted(devices, key=lambda device: device.code)
    lines += [f"topic read {one}" for one in topics.SUBSCRIBED]
    lines += [f"topic write {topics.PREFIX}/+/+/+/{leaf}" for leaf in topics.TO_DEVICE]
    lines += [f"topic read {one}" for one in sorted({one for device in known for one in device.topic_filters})]
    for device in known:
        lines += ["", f"user {device.code}"]
        lines += [f"topic write {device.topic(leaf)}" for leaf in topics.FROM_DEVICE]
        lines += [f"topic read {device.topic(leaf)}" for leaf in topics.TO_DEVICE]
        lines += [f"topic readwrite {one}" for one in device.topic_filters]
    return "\n".join(lines) + "\n"
