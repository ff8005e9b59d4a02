"""TLS at the embedded broker: its own certificate, and the certificates by which devices prove who they are."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wms.errors import N_, Kind, WmsError
from wms.settings import Settings

OFF, OPTIONAL, REQUIRED = "off", "optional", "required"
MODES = {OFF: ssl.CERT_NONE, OPTIONAL: ssl.CERT_OPTIONAL, REQUIRED: ssl.CERT_REQUIRED}


class NoTlsFiles(WmsError):
    """TLS was asked for and a file for it is not there or not right."""

    code = "no_tls_files"
    kind = Kind.UNAVAILABLE
    text = N_("The broker cannot speak TLS: %(file)s: %(reason)s. Make the files with: dongting cert")


class NoWayIn(WmsError):
    """Plain connections are closed by the settings, and there is no port for TLS."""

    code = "no_way_in"
    kind = Kind.UNAVAILABLE
    text = N_("The settings close the broker's plain port and name none for TLS. Set DONGTING_MQTT_TLS_PORT.")


@dataclass(frozen=True)
class Tls:
    """Where the TLS listener listens, with which certificate, and whether devices must show one of ``authority``."""

    port: int
    certificate: Path
    key: Path
    authority: Path
    clients: str = OPTIONAL

    @classmethod
    def of(cls, settings: Settings) -> "Tls | None":
        """As the settings say; the files of ``dongting cert`` where they name none. None: no TLS."""
        if not settings.mqtt_tls_port:
            return None
        folder = settings.data_dir / "certificates"
        return cls(
            settings.mqtt_tls_port,
            settings.tls_certificate or folder / "server.crt",
            settings.tls_key or folder / "server.key",
            settings.mqtt_authority or folder / "dongting-authority.crt",
            settings.mqtt_client_certificates,
        )

    def context(self) -> ssl.SSLContext:
        """The server's side. Raises :class:`NoTlsFiles`."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        current = self.certificate
        try:
            made.load_cert_chain(self.certificate, self.key)
            if self.clients != OFF:
                current = self.authority
                made.load_verify_locations(self.authority)
        except (OSError, ssl.SSLError) as why:
            raise NoTlsFiles(file=str(current), reason=str(why)) from why
        made.verify_mode = MODES[self.clients]
        return made


@dataclass(frozen=True)
class Shown:
    """A verified client certificate: the name in it and since when it holds."""

    name: str
    valid_from_at: datetime


def shown(ssl_object: Any) -> Shown | None:
    """The certificate that the peer of a TLS connection has shown; None when it has shown none."""
    found = ssl_object.getpeercert() if ssl_object is not None else None
    if not found:
        return None
    names = [value for part in found.get("subject", ()) for name, value in part if name == "commonName"]
    since = datetime.fromtimestamp(ssl.cert_time_to_seconds(found["notBefore"]), UTC)
    return Shown(names[-1] if names else "", since)


def ways_in(settings: Settings) -> tuple[Tls | None, bool]:
    """The TLS listener, and whether there is a plain one. Raises :class:`NoWayIn` where the settings leave neither."""
    tls = Tls.of(settings)
    is_plain = settings.mqtt_plain and settings.mqtt_client_certificates != REQUIRED
    if tls is None and not is_plain:
        raise NoWayIn
    return tls, is_plain
