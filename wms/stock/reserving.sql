-- Reservations: stock promised to a document. Held in the balance row under the same locks, in the same order, as
-- postings; a posting that names a reservation uses it up (posting.sql), everything else is here.

-- Locks balances in ascending account id. For a transaction that will change stock in several steps: whoever takes all
-- its locks first, in this order, waits for nobody in a circle.
CREATE OR REPLACE FUNCTION stock_lock(accounts bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
BEGIN
  PERFORM 1 FROM balance WHERE account_id = ANY (accounts) ORDER BY account_id FOR NO KEY UPDATE;
END $$;

-- Promises a list, in order; each is granted whole or refused. Set-based: accounts that can meet all that the list asks
-- of them are met at once; only where they cannot is it decided one by one who comes first.
CREATE OR REPLACE FUNCTION stock_reserve(
    keys text[], hashes bytea[], accounts bigint[], qtys bigint[], expires_ats timestamptz[], source_docs text[]
) RETURNS TABLE (ordinal int, answer jsonb, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  claimed jsonb; live int[]; granted int[]; refused int[] := '{}'; frees bigint[]; one record; here bigint; left_here bigint;
BEGIN
  -- The keys that are new, as an object: looked up by halving, where an array would be read from end to end.
  WITH claim AS (
    INSERT INTO idem (key, request_hash)
    SELECT k, h FROM unnest(keys, hashes) AS u(k, h) ORDER BY k ON CONFLICT DO NOTHING RETURNING key)
  SELECT coalesce(jsonb_object_agg(key, true), '{}') INTO claimed FROM claim;
  SELECT coalesce(array_agg(u.n::int ORDER BY u.n), '{}') INTO live
    FROM unnest(keys) WITH ORDINALITY AS u(key, n) WHERE claimed ? u.key;

  IF cardinality(live) > 0 THEN
    PERFORM 1 FROM balance WHERE account_id = ANY (accounts) ORDER BY account_id FOR NO KEY UPDATE;

    WITH ask AS (
      SELECT n, accounts[n] AS account, sum(qtys[n]) OVER w AS asked, min(qtys[n]) OVER w AS lowest
        FROM unnest(live) AS n WINDOW w AS (PARTITION BY accounts[n])
    )
    SELECT coalesce(array_agg(k.n ORDER BY k.n), '{}') INTO granted
      FROM ask k JOIN balance b ON b.account_id = k.account WHERE k.lowest > 0 AND k.asked <= b.qty - b.qty_reserved;

    IF cardinality(granted) < cardinality(live) THEN
      frees := array_fill(NULL::bigint, ARRAY[cardinality(keys)]);
      FOR one IN
        SELECT r.n, accounts[r.n] AS account, qtys[r.n] AS qty, b.qty - b.qty_reserved AS free
          FROM (SELECT unnest(live) EXCEPT SELECT unnest(granted)) AS r(n)
          LEFT JOIN balance b ON b.account_id = accounts[r.n] ORDER BY accounts[r.n], r.n
      LOOP
        IF here IS DISTINCT FROM one.account THEN
          here := one.account; left_here := one.free;
        END IF;
        IF one.qty > 0 AND one.qty <= left_here THEN
          granted := granted || one.n; left_here := left_here - one.qty;
        ELSE
          refused := refused || one.n; frees[one.n] := left_here;
        END IF;
      END LOOP;
      UPDATE idem SET answer = jsonb_build_object('code', CASE WHEN frees[n] IS NULL THEN 'unknown_account'
               WHEN qtys[n] <= 0 THEN 'quantity_not_positive' ELSE 'not_available' END,
               'account_id', accounts[n], 'wanted', qtys[n], 'available', frees[n])
        FROM unnest(refused) AS n WHERE idem.tenant_id = app_tenant() AND idem.key = keys[n];
    END IF;

    UPDATE balance b SET qty_reserved = b.qty_reserved + g.qty, version = b.version + 1
      FROM (SELECT accounts[n] AS account, sum(qtys[n]) AS qty FROM unnest(granted) AS n GROUP BY 1) g
     WHERE b.account_id = g.account;
    WITH made AS (
      INSERT INTO reservation (idem_key, account_id, owner_id, qty, qty_open, source_doc, person_id, expires_at)
      SELECT keys[n], b.account_id, b.owner_id, qtys[n], qtys[n], source_docs[n], app_person(), expires_ats[n]
        FROM unnest(granted) AS n JOIN balance b ON b.account_id = accounts[n] ORDER BY n
      RETURNING id, idem_key)
    UPDATE idem SET answer = jsonb_build_object('reservation_id', made.id)
      FROM made WHERE idem.tenant_id = app_tenant() AND idem.key = made.idem_key;
  END IF;

  RETURN QUERY
    SELECT u.n::int, CASE WHEN m.request_hash = u.hash THEN m.answer
                          ELSE jsonb_build_object('code', 'key_reused', 'key', u.key) END,
           NOT claimed ? u.key
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
