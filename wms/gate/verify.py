"""The gate against the ledger on a living database: what left on which pass, and do decisions replay (I5, I6, I14)?"""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.errors import N_
from wms.gate.rules import VERSIONS, case_from_payload, case_hash, decide
from wms.gate.tables import Decision
from wms.stock.verify import Check, Finding, found_by

BATCH = 500

CHECKS = (
    Check(
        "I5",
        N_("Bonded goods (%(qty)s) went to a customer by a posting of kind %(kind)s, not through a gate."),
        "SELECT 'posting ' || p.id AS place, p.kind, sum(e.qty) AS qty FROM posting p"
        " JOIN entry e ON e.posting_id = p.id JOIN account a ON a.id = e.account_id"
        " WHERE a.kind = 'customer' AND a.customs_status = 'bonded' AND p.kind <> 'gate_out' AND p.reverses_id IS NULL"
        " GROUP BY p.id, p.kind HAVING sum(e.qty) > 0 ORDER BY p.id",
    ),
    Check(
        "I5",
        N_("Goods left by this posting without the use of a gate pass that has passed."),
        "SELECT 'posting ' || p.id AS place FROM posting p LEFT JOIN gate_pass_use u ON u.posting_id = p.id"
        " LEFT JOIN gate_pass g ON g.id = u.gate_pass_id AND g.state = 'passed' AND g.direction = 'E'"
        " AND g.vehicle_plate = u.vehicle_plate"
        " WHERE p.kind = 'gate_out' AND g.id IS NULL ORDER BY p.id",
    ),
    Check(
        "I5",
        N_("The vehicle of this pass has left, but its goods are still in the ledger (%(why)s)."),
        "SELECT 'gate pass ' || coalesce(g.pass_no, g.internal_no) AS place, coalesce(p.goods_refusal, '?') AS why"
        " FROM gate_pass_use u JOIN gate_pass g ON g.id = u.gate_pass_id JOIN passage p ON p.id = u.passage_id"
        " WHERE g.state = 'passed' AND g.direction = 'E' AND u.stage <> 1 AND u.posting_id IS NULL"
        " AND EXISTS (SELECT 1 FROM gate_pass_line l WHERE l.gate_pass_id = g.id) ORDER BY g.id",
    ),
    Check(
        "I6",
        N_("This pass is %(state)s, but %(uses)s passages of its vehicle are on record."),
        "SELECT 'gate pass ' || coalesce(g.pass_no, g.internal_no) AS place, g.state, count(u.id) AS uses"
        " FROM gate_pass g LEFT JOIN gate_pass_use u ON u.gate_pass_id = g.id"
        " GROUP BY g.id HAVING count(u.id) <> CASE g.state WHEN 'passed' THEN 1 + g.is_double_gate::int"
        " WHEN 'passed_first' THEN 1 ELSE 0 END ORDER BY g.id",
    ),
    Check(
        "I6",
        N_("A vehicle passed (%(plate)s), but no visit knows of it."),
        "SELECT 'passage ' || p.seq_no AS place, p.plate FROM passage p"
        " WHERE p.state = 'passed' AND p.plate IS NOT NULL AND p.visit_id IS NULL ORDER BY p.id",
    ),
    Check(
        "I6",
        N_("Vehicle %(plate)s counts as inside, but it passed an exit after it had come in."),
        "SELECT 'visit ' || v.id AS place, v.plate FROM visit v WHERE v.state = 'inside' AND EXISTS ("
        " SELECT 1 FROM passage p WHERE p.site_id = v.site_id AND p.plate = v.plate AND p.state = 'passed'"
        " AND p.direction = 'E' AND p.passed_at > v.arrived_at) ORDER BY v.id",
    ),
    Check(
        "I6",
        N_("The visit of %(plate)s has ended, but no passage out is on record."),
        "SELECT 'visit ' || v.id AS place, v.plate FROM visit v WHERE v.state = 'left' AND NOT EXISTS ("
        " SELECT 1 FROM passage p WHERE p.visit_id = v.id AND p.state = 'passed' AND p.direction = 'E')"
        " ORDER BY v.id",
    ),
    Check(
        "I6",
        N_("The barrier opened for a vehicle whose release is %(state)s."),
        "SELECT 'command ' || c.cmd_id AS place, coalesce(r.state, '?') AS state FROM barrier_command c"
        " LEFT JOIN release r ON r.id = c.release_id"
        " WHERE c.opened_at IS NOT NULL AND coalesce(r.state, '?') NOT IN ('granted', 'used', 'lapsed') ORDER BY c.id",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """What is wrong between gate and ledger, in the snapshot that ``session`` holds."""
    for check in CHECKS:
        yield from found_by(session, check)
    yield from replay_findings(session)


def replay_findings(session: Session) -> Iterator[Finding]:
    """Each decision whose stored inputs were changed, or no longer give the stored answer."""
    stored = session.execute(
        select(Decision.id, Decision.inputs, Decision.inputs_hash, Decision.hold_code, Decision.rule_version)
        .order_by(Decision.id)
        .execution_options(yield_per=BATCH)
    )
    for decision_id, inputs, inputs_hash, hold_code, rule_version in stored:
        where = f"decision {decision_id}"
        if case_hash(inputs) != bytes(inputs_hash):
            yield Finding("I14", where, N_("The stored inputs of the decision were changed."), {})
        elif rule_version not in VERSIONS:
            text = N_("The decision was made under the rules %(version)s, which this program does not know.")
            yield Finding("I14", where, text, {"version": rule_version})
        else:
            verdict = decide(case_from_payload(inputs), rule_version)
            again = verdict.hold.code if verdict.hold else None
            if again != hold_code:
                text = N_("Decided again, the stored inputs give %(again)s instead of %(stored)s.")
                yield Finding("I14", where, text, {"again": again or "lift", "stored": hold_code or "lift"})
