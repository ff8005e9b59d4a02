"""Goods that nobody can name: what may be done with them, and by whom. They are never stock in silence."""

from wms.errors import N_, Kind, WmsError

MOST_PHOTO_BYTES = 5_000_000
PHOTOS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


class UnknownFound(WmsError):
    code = "unknown_found_goods"
    kind = Kind.NOT_FOUND
    text = N_("There are no found goods %(number)s.")


class FoundDecided(WmsError):
    code = "found_goods_decided"
    kind = Kind.CONFLICT
    text = N_("It is decided already what becomes of %(number)s: it is %(state)s.")


class FoundNotToDestroy(WmsError):
    code = "found_goods_not_to_destroy"
    kind = Kind.CONFLICT
    text = N_("%(number)s is %(state)s; only what is to be destroyed is witnessed.")


class DestroyInZone(WmsError):
    code = "found_goods_in_zone"
    kind = Kind.INVALID
    text = N_("What is found in a bonded site is destroyed only under a customs document. Name its number.")


class NoPhoto(WmsError):
    code = "not_a_photo"
    kind = Kind.INVALID
    text = N_("The picture must be a JPEG, PNG or WebP file of at most %(megabytes)s MB.")


def media_type_of(content: bytes) -> str:
    """Return the media type of a picture by its first bytes. Raises NoPhoto."""
    if 0 < len(content) <= MOST_PHOTO_BYTES:
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return "image/webp"
        for head, name in PHOTOS.items():
            if content.startswith(head):
                return name
    raise NoPhoto(field="photo", megabytes=MOST_PHOTO_BYTES // 1_000_000)


def check_destruction(*, is_bonded_site: bool, document_no: str | None) -> None:
    """Raise DestroyInZone where customs has to agree first: nobody knows whether the goods are bonded."""
    if is_bonded_site and not document_no:
        raise DestroyInZone(field="document_no")
