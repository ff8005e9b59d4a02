"""Notes of the live stream get their places in the order of their ids, whatever plan the database takes."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.watch.queries import last_note_id, notes_after, place_notes
from wms.watch.service import announce


def test_notes_placed_together_keep_their_order_when_they_lie_otherwise_on_disk(session: Session) -> None:
    before = last_note_id(session)
    subjects = list(range(1, 21))
    for subject in subjects:
        announce(session, "alarm", subject)
    # Written anew from the last to the first, so that a scan of the table meets them the other way round.
    for subject in reversed(subjects):
        session.execute(text("UPDATE live_note SET topic = 'passage' WHERE subject_id = :s"), {"s": subject})
    for kind in ("hashjoin", "mergejoin", "material", "indexscan", "bitmapscan", "indexonlyscan"):
        session.execute(text(f"SET LOCAL enable_{kind} = off"))
    assert place_notes(session) == len(subjects)
    assert [note.subject_id for note in notes_after(session, before)] == subjects


def test_a_note_has_its_place_once(session: Session) -> None:
    announce(session, "alarm", 1)
    assert place_notes(session) == 1
    placed = last_note_id(session)
    assert place_notes(session) == 0
    assert last_note_id(session) == placed
