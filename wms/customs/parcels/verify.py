"""Parcels against themselves on a living database: buyers used what declarations took; tax is that of its lines."""

# ruff: noqa: S608 - the statements are put together from constants of this file alone

from collections.abc import Iterator

from sqlalchemy.orm import Session

from wms.errors import N_
from wms.stock.verify import Check, Finding, found_by

TAKEN = (
    "(SELECT buyer_id, quota_year AS year, sum(quota_minor - quota_restored_minor) AS taken FROM parcel_declaration"
    " WHERE buyer_id IS NOT NULL AND quota_year IS NOT NULL GROUP BY buyer_id, quota_year)"
)
LEVIED = (
    "(SELECT declaration_id, sum(duty) AS duty, sum(consumption_tax) AS consumption_tax, sum(vat) AS vat,"
    " sum(taxable) AS taxable FROM parcel_line GROUP BY declaration_id)"
)

CHECKS = (
    Check(
        "P1",
        N_("The buyer's year counts %(used)s fen, the declarations took %(taken)s."),
        "SELECT 'buyer ' || buyer_id || ' ' || year AS place, coalesce(y.used_minor, 0) AS used,"
        f" coalesce(t.taken, 0) AS taken FROM buyer_year y FULL JOIN {TAKEN} t USING (buyer_id, year)"
        " WHERE coalesce(y.used_minor, 0) <> coalesce(t.taken, 0) ORDER BY 1",
    ),
    Check(
        "P2",
        N_("The declaration says %(said)s of tax, its lines say %(levied)s."),
        "SELECT 'parcel ' || coalesce(d.cop_no, d.id::text) AS place, d.duty + d.consumption_tax + d.vat AS said,"
        " coalesce(l.duty + l.consumption_tax + l.vat, 0) AS levied"
        f" FROM parcel_declaration d LEFT JOIN {LEVIED} l ON l.declaration_id = d.id"
        " WHERE (d.duty, d.consumption_tax, d.vat, d.taxable) IS DISTINCT FROM"
        " (coalesce(l.duty, 0), coalesce(l.consumption_tax, 0), coalesce(l.vat, 0), coalesce(l.taxable, 0))"
        " ORDER BY 1",
    ),
    Check(
        "P3",
        N_("Parcel declaration is %(state)s, but customs' receipts never let it go."),
        "SELECT 'parcel ' || coalesce(d.cop_no, d.id::text) AS place, d.state FROM parcel_declaration d"
        " WHERE d.state IN ('released', 'cleared') AND NOT EXISTS (SELECT 1 FROM parcel_receipt r"
        " WHERE r.declaration_id = d.id AND r.status IN ('800', '899') AND r.has_moved) ORDER BY 1",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """What is wrong with parcels, in the snapshot that ``session`` holds."""
    for check in CHECKS:
        yield from found_by(session, check)
