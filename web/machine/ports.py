"""Ports: a taken one is stepped over, also one that another start of ours is going to take.

A port is looked for long before it is listened on: PostgreSQL and the demo data come between. Two starts in the same
minute must not choose the same one, or each takes the other's web for its own.
"""

import socket
import sys
from dataclasses import dataclass

from wms.errors import N_, Kind, WmsError

STEPS = 100
_claims: dict[int, socket.socket] = {}  # held until this process ends


class NoFreePort(WmsError):
    """All ports that were tried are taken."""

    code = "no_free_port"
    kind = Kind.UNAVAILABLE
    text = N_("No port is free on %(host)s from %(first)s to %(last)s.")


class CannotListen(WmsError):
    """The address is not one of this machine, or the port needs more rights."""

    code = "cannot_listen"
    kind = Kind.INVALID
    text = N_("It is not possible to listen on %(host)s port %(port)s: %(reason)s")


@dataclass(frozen=True)
class Found:
    """A free port and the taken ones before it."""

    port: int
    stepped_over: tuple[int, ...]


def free_port(host: str, wanted: int, but_not: frozenset[int] = frozenset()) -> Found:
    """Return the first free port from ``wanted`` on; it is claimed until this process ends.

    Raises :class:`NoFreePort` or :class:`CannotListen`.
    """
    stepped_over: list[int] = []
    for port in range(wanted, min(wanted + STEPS, 65536)):
        if port not in but_not and _is_free(host, port) and _claim(port):
            return Found(port, tuple(stepped_over))
        stepped_over.append(port)
    raise NoFreePort(host=host, first=wanted, last=min(wanted + STEPS, 65536) - 1)


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except PermissionError as error:
            raise CannotListen(host=host, port=port, reason=error.strerror) from None
        except socket.gaierror as error:
            raise CannotListen(host=host, port=port, reason=error.strerror) from None
        except OSError as error:
            if error.errno not in (98, 48):  # EADDRINUSE on Linux and macOS
                raise CannotListen(host=host, port=port, reason=error.strerror) from None
            return False
    return True


def _claim(port: int) -> bool:
    """Say by a name of the kernel's (Linux) that this process is going to listen on a port; False: another said so."""
    if port in _claims or sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0dongting-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims[port] = claim
    return True
