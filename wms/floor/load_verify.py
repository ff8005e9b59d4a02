"""Loads against the record on a living database: a proof is what its leaf says, and no load left that differed."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.errors import N_
from wms.floor.tables.loading import LoadProof, VehicleLoad
from wms.record.rules import canonical
from wms.record.tables import Leaf
from wms.stock.verify import Check, Finding, found_by

BATCH = 500
HEAD = b"dongting.load_proof.v1\nhash=sha256\n"

CHECKS = (
    Check(
        "I5",
        N_("This load is %(state)s on a gate pass, but its last proof says: %(verdict)s."),
        "SELECT 'load ' || v.load_no AS place, v.state, coalesce(p.verdict, '?') AS verdict FROM vehicle_load v"
        " LEFT JOIN LATERAL (SELECT verdict FROM load_proof p WHERE p.load_id = v.id ORDER BY p.id DESC LIMIT 1) p"
        " ON true WHERE v.gate_pass_id IS NOT NULL AND v.state IN ('closed', 'departed')"
        " AND p.verdict IS DISTINCT FROM 'agrees' ORDER BY v.id",
    ),
    Check(
        "I5",
        N_("The gate pass of this load has passed, but the load is %(state)s."),
        "SELECT 'load ' || v.load_no AS place, v.state FROM vehicle_load v JOIN gate_pass g ON g.id = v.gate_pass_id"
        " JOIN gate_pass_use u ON u.gate_pass_id = g.id AND u.posting_id IS NOT NULL"
        " WHERE g.state = 'passed' AND v.state IN ('open', 'closed') ORDER BY v.id",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """What is wrong between loads, their proofs and the record, in the snapshot that ``session`` holds."""
    for check in CHECKS:
        yield from found_by(session, check)
    yield from proof_findings(session)


def proof_findings(session: Session) -> Iterator[Finding]:
    """Each proof whose document is not the one whose leaf stands in the record."""
    rows = session.execute(
        select(VehicleLoad.load_no, LoadProof.id, LoadProof.body, LoadProof.leaf_hash, Leaf.hash, Leaf.body)
        .join(VehicleLoad, VehicleLoad.id == LoadProof.load_id)
        .outerjoin(Leaf, Leaf.id == LoadProof.leaf_id)
        .order_by(LoadProof.id)
        .execution_options(yield_per=BATCH)
    )
    for load_no, proof_id, body, told, kept, leaf in rows:
        same = leaf is not None and bytes(leaf) == HEAD + canonical(body) and bytes(told) == bytes(kept)
        if not same:
            where = f"load {load_no} proof {proof_id}"
            yield Finding("I11", where, N_("The proof is not the one whose leaf stands in the record."), {})
