"""Values that come with the product say where they are taken from, in both languages."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from web.i18n import translations
from wms.parties.sources import SHIPPED


def test_the_source_of_each_shipped_value_reads_in_both_languages(session: Session) -> None:
    """A migration that ships a value adds its source to ``wms/parties/sources.py`` and the Chinese to a catalogue."""
    shipped = set(session.execute(text("SELECT source FROM shipped_value")).scalars())
    assert len(shipped) > 40
    assert sorted(shipped - set(SHIPPED)) == []
    chinese = translations("zh")
    assert [one for one in SHIPPED if chinese.gettext(one) == one] == []
