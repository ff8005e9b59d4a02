-- Limits of the ledger that are dated data (wms/parties/dated.py).

-- Clock skew that a device may have before its event counts as lying in the future; in seconds.
CREATE OR REPLACE FUNCTION stock_future_limit() RETURNS interval LANGUAGE sql STABLE AS $$
  SELECT make_interval(secs => (value #>> '{}')::int) FROM (
    SELECT false AS shipped, valid_from_on, value FROM dated_value
     WHERE tenant_id = app_tenant() AND name = 'ledger.future_limit_s' AND valid_from_on <= current_date
    UNION ALL
    SELECT true, valid_from_on, value FROM shipped_value
     WHERE name = 'ledger.future_limit_s' AND valid_from_on <= current_date) known
   ORDER BY shipped, valid_from_on DESC LIMIT 1
$$;
