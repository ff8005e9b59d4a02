-- Reservations: stock promised to a document. Held in the balance row under the same locks, in the same order, as
-- postings; a posting that names a reservation uses it up (posting.sql), everything else is here.

CREATE OR REPLACE FUNCTION stock_reserve(
    keys text[], hashes bytea[], accounts bigint[], qtys bigint[], expires_ats timestamptz[], source_docs text[]
) RETURNS TABLE (ordinal int, answer jsonb, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  claimed text[]; i int; held bigint; made bigint; free bigint;
BEGIN
  WITH claim AS (
    INSERT INTO idem (key, request_hash)
    SELECT k, h FROM unnest(keys, hashes) AS u(k, h) ORDER BY k ON CONFLICT DO NOTHING RETURNING key)
  SELECT coalesce(array_agg(key), '{}') INTO claimed FROM claim;

  PERFORM 1 FROM balance WHERE account_id = ANY (accounts) ORDER BY account_id FOR NO KEY UPDATE;

  FOR i IN SELECT n FROM generate_subscripts(keys, 1) AS n WHERE keys[n] = ANY (claimed) ORDER BY n LOOP
    UPDATE balance SET qty_reserved = qty_reserved + qtys[i], version = version + 1
     WHERE account_id = accounts[i] AND qty - qty_reserved >= qtys[i] AND qtys[i] > 0
     RETURNING owner_id INTO held;
    IF FOUND THEN
      INSERT INTO reservation (idem_key, account_id, owner_id, qty, qty_open, source_doc, person_id, expires_at)
      VALUES (keys[i], accounts[i], held, qtys[i], qtys[i], source_docs[i], app_person(), expires_ats[i])
      RETURNING id INTO made;
      UPDATE idem SET answer = jsonb_build_object('reservation_id', made)
       WHERE tenant_id = app_tenant() AND key = keys[i];
    ELSE
      SELECT qty - qty_reserved INTO free FROM balance WHERE account_id = accounts[i];
      UPDATE idem SET answer = jsonb_build_object('code', CASE WHEN free IS NULL THEN 'unknown_account'
               WHEN qtys[i] <= 0 THEN 'quantity_not_positive' ELSE 'not_available' END,
               'account_id', accounts[i], 'wanted', qtys[i], 'available', free)
       WHERE tenant_id = app_tenant() AND key = keys[i];
    END IF;
  END LOOP;

  RETURN QUERY
    SELECT u.n::int, CASE WHEN m.request_hash = u.hash THEN m.answer
                          ELSE jsonb_build_object('code', 'key_reused', 'key', u.key) END,
           NOT u.key = ANY (claimed)
      FROM unnest(keys, hashes) WITH ORDINALITY AS u(key, hash, n)
      LEFT JOIN idem m ON m.tenant_id = app_tenant() AND m.key = u.key
     ORDER BY u.n;
END $$;

-- Gives promised stock back: `to_state` is void or expired. Only held reservations change; returns those.
CREATE OR REPLACE FUNCTION stock_release(ids bigint[], to_state text) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
  IF to_state NOT IN ('void', 'expired') THEN
    RAISE EXCEPTION 'a reservation ends as void or expired, not as %', to_state USING ERRCODE = 'DT003';
  END IF;
  PERFORM 1 FROM balance WHERE account_id IN (SELECT account_id FROM reservation WHERE id = ANY (ids))
    ORDER BY account_id FOR NO KEY UPDATE;
  PERFORM 1 FROM reservation WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
  RETURN QUERY
    WITH ended AS (
      SELECT r.id, r.account_id, r.qty_open FROM reservation r WHERE r.id = ANY (ids) AND r.state = 'held'
    ), given AS (
      UPDATE balance b SET qty_reserved = b.qty_reserved - e.qty, version = b.version + 1
        FROM (SELECT account_id, sum(qty_open) AS qty FROM ended GROUP BY account_id) e
       WHERE b.account_id = e.account_id
    )
    UPDATE reservation r SET state = to_state, qty_open = 0, settled_at = clock_timestamp()
      FROM ended WHERE r.id = ended.id RETURNING r.id;
END $$;

-- Closes every month up to `p_month` (its first day). Returns NULL, or the refusal.
CREATE OR REPLACE FUNCTION stock_close_month(p_month date) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE last_closed date; found jsonb; digest bytea;
BEGIN
  PERFORM pg_advisory_xact_lock(stock_period_lock_key());
  SELECT max(month_on) INTO last_closed FROM period_close WHERE tenant_id = app_tenant();
  IF p_month <> date_trunc('month', p_month)::date OR p_month >= stock_month(clock_timestamp()) THEN
    RETURN jsonb_build_object('code', 'month_not_over', 'month_on', p_month);
  ELSIF last_closed >= p_month THEN
    RETURN jsonb_build_object('code', 'period_closed', 'month_on', p_month);
  END IF;
  SELECT jsonb_build_object('postings', count(*)), sha256(coalesce(string_agg(l.hash, ''::bytea ORDER BY l.subject_id), ''))
    INTO found, digest
    FROM posting p JOIN leaf l ON l.tenant_id = p.tenant_id AND l.kind = 'posting' AND l.subject_id = p.id
   WHERE p.tenant_id = app_tenant() AND stock_month(p.event_at) <= p_month
     AND (last_closed IS NULL OR stock_month(p.event_at) > last_closed);
  -- The time after the lock was had, not that of the transaction: whatever was recorded before it is in the totals.
  INSERT INTO period_close (month_on, person_id, totals, totals_hash, recorded_at)
  VALUES (p_month, app_person(), found, digest, clock_timestamp());
  RETURN NULL;
END $$;
