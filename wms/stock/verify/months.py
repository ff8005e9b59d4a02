"""Closed months stay as they were closed (I9): their count and their hash over the leaves are computed again."""

from wms.errors import N_
from wms.stock.verify.findings import Check

# Instants from which and up to which a closing reaches: from the end of the one before it, in Beijing time.
REACH = (
    "(SELECT month_on, totals, totals_hash, recorded_at,"
    " coalesce(stock_month_end(lag(month_on) OVER (ORDER BY month_on)), '-infinity') AS since,"
    " stock_month_end(month_on) AS until FROM period_close)"
).replace("stock_month_end(", "(SELECT (m + interval '1 month')::timestamp AT TIME ZONE 'Asia/Shanghai' FROM (SELECT ")
