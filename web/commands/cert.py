"""``dongting cert``."""

import click

from web.commands._options import data_option, settings_from
from web.machine.certificate import files, make, make_device, own_names

TELL = """\
Certificate for {names}
  made in {folder}

1. Install this authority once on every handheld and desk (it holds no secret):
     {authority}
   Android: Settings > Security > Encryption & credentials > Install a certificate > CA certificate
   iPhone:  open the file, then Settings > General > VPN & Device Management, then
            Settings > General > About > Certificate Trust Settings
   Windows: double-click > Install > Local Machine > Trusted Root Certification Authorities
   Debian:  copy it to /usr/local/share/ca-certificates/ and run update-ca-certificates
2. Start with:  dongting up --tls --host 0.0.0.0
3. Open https://{first}:{port} there: camera and offline mode work.
"""


TELL_DEVICE = """\
Certificate for the device {device}. Install on it, and delete the key here:
  certificate  {certificate}
  private key  {key}
  authority    {authority}
An older one goes on to be accepted until: dongting device revoke-certificates {device}
"""


@click.command()
@data_option
@click.option("--name", "names", multiple=True, help="A further name or address of this machine; may be repeated.")
@click.option("--device", metavar="CODE", help="Make a client certificate by which this device proves who it is.")
def command(data: str | None, names: tuple[str, ...], device: str | None) -> None:
    """Make a local authority and a certificate for handhelds in the same network, or one for a device."""
    settings = settings_from(data=data)
    if device:
        certificate, key = make_device(settings.data_dir, device)
        authority = files(settings.data_dir).authority
        click.echo(TELL_DEVICE.format(device=device, certificate=certificate, key=key, authority=authority), nl=False)
        return
    made = make(settings.data_dir, names)
    everyone = tuple(dict.fromkeys((*names, *own_names())))
    first = names[0] if names else own_names()[-1]
    click.echo(
        TELL.format(
            names=", ".join(everyone),
            folder=made.folder,
            authority=made.authority,
            first=first,
            port=settings.port,
        ),
        nl=False,
    )
