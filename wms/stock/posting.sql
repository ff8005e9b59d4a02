-- The one routine that changes stock. Set-based: one posting and five hundred take the same path.
--
-- Order of work (ledger reference, section 3): keys first; then the month; then the rules on the lines; then the
-- balances locked in ascending account id; then the stock rules; then posting, balances, entries, leaf and answer.
-- A refusal is an answer: it is stored under its key and returned, never raised. What is raised (lost connection, full
-- disk, deadlock) is not stored; the same key may be sent again.
--
-- Lines, reservation uses and serial numbers arrive as parallel arrays; l_posting, r_posting and s_posting hold the
-- 1-based place of their posting, s_sign is -1 where the number leaves the account and 1 where it enters.

-- The month that an instant belongs to. Beijing time is the legal time of the country and of its customs: law, not data.
CREATE OR REPLACE FUNCTION stock_month(at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE
  AS $$ SELECT date_trunc('month', at AT TIME ZONE 'Asia/Shanghai')::date $$;

-- Everything up to the end of the latest closed month is closed.
CREATE OR REPLACE FUNCTION stock_month_is_closed(at timestamptz) RETURNS boolean LANGUAGE sql STABLE
  AS $$ SELECT EXISTS (SELECT 1 FROM period_close WHERE tenant_id = app_tenant() AND month_on >= stock_month(at)) $$;

-- Postings take this lock shared, closing takes it alone: a posting cannot slip into a month that is being closed.
CREATE OR REPLACE FUNCTION stock_period_lock_key() RETURNS bigint LANGUAGE sql STABLE
  AS $$ SELECT hashtextextended('period_close', app_tenant()) $$;

-- Canonical bytes of postings, format dongting.posting.v1: the text of a jsonb object (keys by length, then by bytes),
-- instants as microseconds of the epoch, entries [account, quantity, grams, minor units] by ascending account id.
-- wms/record/rules.py builds the same bytes without the database.
CREATE OR REPLACE FUNCTION stock_posting_bodies(p_ids bigint[]) RETURNS TABLE (posting_id bigint, body bytea)
LANGUAGE sql STABLE AS $$
  WITH listed AS (
    SELECT e.posting_id, jsonb_agg(jsonb_build_array(a.dimensions, e.qty, e.weight_g, e.value_minor)
                                   ORDER BY e.account_id) AS entries
      FROM entry e JOIN account a ON a.id = e.account_id WHERE e.posting_id = ANY (p_ids) GROUP BY e.posting_id
  )
  SELECT p.id, convert_to(jsonb_build_object(
      'format', 'dongting.posting.v1', 'hash', 'sha256', 'tenant', p.tenant_id, 'id', p.id, 'key', p.idem_key,
      'kind', p.kind, 'source_doc', p.source_doc, 'reason', p.reason, 'person', p.person_id, 'device', p.device,
      'reverses', p.reverses_id, 'event_at', (extract(epoch FROM p.event_at) * 1000000)::bigint,
      'recorded_at', (extract(epoch FROM p.recorded_at) * 1000000)::bigint, 'entries', l.entries)::text, 'UTF8')
    FROM listed l JOIN posting p ON p.id = l.posting_id
$$;

-- The lowest stock that an account had at any instant from `since` on, as its entries tell by event_at.
CREATE OR REPLACE FUNCTION stock_lowest_since(p_account bigint, since timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT least(b.qty, min(b.qty - later.moved))
    FROM balance b LEFT JOIN LATERAL (
      SELECT sum(e.qty) OVER (ORDER BY e.event_at DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS moved
        FROM entry e WHERE e.account_id = b.account_id AND e.event_at > since) later ON true
   WHERE b.account_id = p_account GROUP BY b.qty
$$;

-- First refusal of posting `i` under the locks, or NULL: reservations, then present stock, then stock in the past.
-- What is taken and what was promised of it are summed by account first: joined line by line, a list of a hundred picks
-- would look its reservations up ten thousand times.
CREATE OR REPLACE FUNCTION stock_short(
    i int, at timestamptz, l_posting int[], l_account bigint[], l_qty bigint[],
    r_posting int[], r_reservation bigint[], r_qty bigint[]
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE found jsonb;
BEGIN
  WITH used AS MATERIALIZED (
    SELECT u.reservation, u.qty, r.account_id, CASE WHEN r.state = 'held' THEN r.qty_open END AS open
      FROM unnest(r_posting, r_reservation, r_qty) AS u(posting, reservation, qty)
      LEFT JOIN reservation r ON r.id = u.reservation
     WHERE u.posting = i
  ), change AS MATERIALIZED (
    SELECT account, sum(qty)::bigint AS qty, sum(used)::bigint AS used
      FROM (SELECT l.account, l.qty, 0 AS used FROM unnest(l_posting, l_account, l_qty) AS l(posting, account, qty)
             WHERE l.posting = i
            UNION ALL
            SELECT account_id, 0, qty FROM used WHERE account_id IS NOT NULL) x
     GROUP BY account
  ), fault AS (
    SELECT 1 AS rank, reservation AS id,
           jsonb_build_object('code', 'reservation_not_open', 'reservation_id', reservation, 'wanted', qty,
                              'open', coalesce(open, 0), 'state', CASE WHEN open IS NULL THEN 'unknown' ELSE 'held' END)
             AS answer
      FROM used WHERE open IS NULL OR open < qty OR qty <= 0
    UNION ALL
    SELECT 2, account, jsonb_build_object('code', 'reservation_elsewhere', 'account_id', account, 'used', used)
      FROM change WHERE used <> 0 AND used > -qty
    UNION ALL
    SELECT 3, b.account_id, jsonb_build_object('code', 'short_stock', 'account_id', b.account_id, 'wanted', -c.qty,
                                               'on_hand', b.qty, 'reserved', b.qty_reserved - c.used)
      FROM change c JOIN balance b ON b.account_id = c.account
     WHERE b.qty + c.qty < b.qty_reserved - c.used
  )
  SELECT answer INTO found FROM fault ORDER BY rank, id LIMIT 1;
  IF found IS NOT NULL THEN RETURN found; END IF;

  SELECT jsonb_build_object('code', 'short_in_past', 'account_id', b.account_id, 'wanted', -l.qty, 'lowest', p.lowest)
    INTO found
    FROM unnest(l_posting, l_account, l_qty) AS l(posting, account, qty)
    JOIN balance b ON b.account_id = l.account
    CROSS JOIN LATERAL (SELECT stock_lowest_since(b.account_id, at) AS lowest) p
   WHERE l.posting = i AND l.qty < 0 AND at < b.last_event_at AND p.lowest + l.qty < 0
   ORDER BY b.account_id LIMIT 1;
  RETURN found;
END $$;

-- First refusal that needs no lock, by posting: what is wrong with the lines themselves.
CREATE OR REPLACE FUNCTION stock_faults(
    p_live int[], kinds text[], event_ats timestamptz[], reverses bigint[],
    l_posting int[], l_account bigint[], l_qty bigint[], r_posting int[], r_reservation bigint[]
) RETURNS TABLE (ordinal int, answer jsonb) LANGUAGE sql STABLE AS $$
  WITH line AS (
    SELECT l.posting, l.account, l.qty, a.id, a.kind, a.trade_item_id, a.book_line_id, a.customs_status, k.side,
           k.in_identity
      FROM unnest(l_posting, l_account, l_qty) AS l(posting, account, qty)
      LEFT JOIN account a ON a.id = l.account
      LEFT JOIN account_kind k ON k.kind = a.kind
     WHERE l.posting = ANY (p_live)
  ), fault AS (
    SELECT i, 1 AS rank, jsonb_build_object('code', 'event_in_future', 'event_at', event_ats[i]) AS answer
      FROM unnest(p_live) AS i WHERE event_ats[i] > clock_timestamp() + (SELECT stock_future_limit())
    UNION ALL
    SELECT i, 2, jsonb_build_object('code', 'period_closed', 'month_on', stock_month(event_ats[i]))
      FROM unnest(p_live) AS i WHERE stock_month_is_closed(event_ats[i])
    UNION ALL
    SELECT posting, 3, jsonb_build_object('code', 'unknown_account', 'account_id', account) FROM line WHERE id IS NULL
    UNION ALL
    SELECT i, 3, jsonb_build_object('code', 'no_lines')
      FROM unnest(p_live) AS i WHERE i <> ALL (ARRAY(SELECT DISTINCT posting FROM line))
    UNION ALL
    SELECT posting, 4, jsonb_build_object('code', 'unbalanced', 'trade_item_id', trade_item_id, 'side', side,
                                          'sum', sum(qty))
      FROM line WHERE id IS NOT NULL GROUP BY posting, trade_item_id, side HAVING sum(qty) <> 0
    UNION ALL
    SELECT posting, 5, jsonb_build_object('code', 'book_shelf_differ', 'book_line_id', book_line_id,
             'shelf', sum(qty) FILTER (WHERE side = 'physical'), 'book', sum(qty) FILTER (WHERE side = 'book'))
      FROM line WHERE in_identity AND book_line_id IS NOT NULL AND (side = 'book' OR customs_status = 'bonded')
     GROUP BY posting, book_line_id
    HAVING coalesce(sum(qty) FILTER (WHERE side = 'physical'), 0) <> coalesce(sum(qty) FILTER (WHERE side = 'book'), 0)
    UNION ALL
    -- I5: bonded goods reach a customer by the gate alone; a correction of such a posting is its reversal.
    SELECT posting, 6, jsonb_build_object('code', 'leaves_without_pass', 'trade_item_id', trade_item_id)
      FROM line WHERE kinds[posting] <> 'gate_out' AND reverses[posting] IS NULL
     GROUP BY posting, trade_item_id
    HAVING coalesce(sum(qty) FILTER (WHERE kind = 'customer'), 0) > 0
       AND coalesce(sum(qty) FILTER (WHERE in_identity AND side = 'physical' AND customs_status = 'bonded'), 0) < 0
    UNION ALL
    SELECT i, 7, jsonb_build_object('code', 'already_reversed', 'posting_id', reverses[i], 'by', p.id)
      FROM unnest(p_live) AS i JOIN posting p ON p.reverses_id = reverses[i]
  )
  SELECT DISTINCT ON (i) i, answer FROM fault ORDER BY i, rank, answer
$$;

-- The lines of postings `p_ok`, each with the instant at which the oldest of its goods came to the house: goods that only
-- change their account keep the age of the oldest in the account that gives them, all others come at the event.
CREATE OR REPLACE FUNCTION stock_with_age(
    p_ok int[], event_ats timestamptz[], l_posting int[], l_account bigint[], l_qty bigint[]
) RETURNS TABLE (posting int, account bigint, qty bigint, since_at timestamptz) LANGUAGE sql STABLE AS $$
  SELECT l.posting, l.account, l.qty,
         CASE WHEN k.side = 'physical' THEN
           coalesce(min(b.since_at) FILTER (WHERE l.qty < 0 AND b.qty > 0)
                      OVER (PARTITION BY l.posting, a.trade_item_id, k.side), event_ats[l.posting])
         END
    FROM unnest(l_posting, l_account, l_qty) AS l(posting, account, qty)
    JOIN account a ON a.id = l.account
    JOIN account_kind k ON k.kind = a.kind
    LEFT JOIN balance b ON b.account_id = l.account
   WHERE l.posting = ANY (p_ok)
$$;

-- Writes the postings `p_ok`, whose locks are held and whose rules are met.
CREATE OR REPLACE FUNCTION stock_write(
    p_ok int[], keys text[], kinds text[], event_ats timestamptz[], source_docs text[], reasons text[], devices text[],
    reverses bigint[], l_posting int[], l_account bigint[], l_qty bigint[], l_weight bigint[], l_value bigint[],
    r_posting int[], r_reservation bigint[], r_qty bigint[], p_weighed boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  written_at timestamptz := clock_timestamp();
  ids bigint[]; wanted int; done int;
BEGIN
  -- ids[i] is the posting id of the i-th posting; NULL where it is not among p_ok.
  SELECT array_agg(CASE WHEN i = ANY (p_ok) THEN nextval('posting_id_seq') END ORDER BY i)
    INTO ids FROM generate_subscripts(keys, 1) AS i;

  INSERT INTO posting (id, idem_key, kind, source_doc, reason, person_id, device, reverses_id, event_at, recorded_at)
  SELECT ids[i], keys[i], kinds[i], source_docs[i], reasons[i], app_person(), devices[i], reverses[i], event_ats[i],
         written_at
    FROM unnest(p_ok) AS i ORDER BY i;

  IF p_weighed THEN
    done := stock_change_weighed(p_ok, event_ats, l_posting, l_account, l_qty, l_weight, r_posting, r_reservation, r_qty);
  ELSE
    WITH part AS (
      SELECT l.account, l.qty, 0 AS used, event_ats[l.posting] AS event_at,
             CASE WHEN l.qty > 0 THEN l.since_at END AS since_at
        FROM stock_with_age(p_ok, event_ats, l_posting, l_account, l_qty) AS l
      UNION ALL
      SELECT r.account_id, 0, u.qty, NULL, NULL
        FROM unnest(r_posting, r_reservation, r_qty) AS u(posting, reservation, qty)
        JOIN reservation r ON r.id = u.reservation
       WHERE u.posting = ANY (p_ok)
    ), change AS (
      SELECT account, sum(qty) AS qty, sum(used) AS used, max(event_at) AS event_at, min(since_at) AS since_at
        FROM part GROUP BY account
    )
    UPDATE balance b
       SET qty = b.qty + c.qty, qty_reserved = b.qty_reserved - c.used,
           since_at = CASE WHEN b.qty = 0 THEN coalesce(c.since_at, b.since_at) ELSE least(b.since_at, c.since_at) END,
           last_event_at = greatest(b.last_event_at, c.event_at), version = b.version + 1
      FROM change c WHERE b.account_id = c.account AND b.qty + c.qty >= 0;
    GET DIAGNOSTICS done = ROW_COUNT;
  END IF;
  SELECT count(DISTINCT b.account_id) INTO wanted FROM balance b
   WHERE b.account_id IN (SELECT l.account FROM unnest(l_posting, l_account) AS l(posting, account)
                           WHERE l.posting = ANY (p_ok));
  IF done <> wanted THEN
    RAISE EXCEPTION 'a balance changed under its lock (% of %)', done, wanted USING ERRCODE = 'DT002';
  END IF;

  UPDATE reservation r
     SET qty_open = r.qty_open - u.qty, state = CASE WHEN r.qty_open = u.qty THEN 'posted' ELSE 'held' END,
         settled_at = CASE WHEN r.qty_open = u.qty THEN written_at END
    FROM (SELECT reservation, sum(qty) AS qty FROM unnest(r_posting, r_reservation, r_qty) AS u(posting, reservation, qty)
           WHERE posting = ANY (p_ok) GROUP BY reservation) u
   WHERE r.id = u.reservation;

  INSERT INTO entry (posting_id, account_id, qty, weight_g, value_minor, owner_id, event_at, recorded_at)
  SELECT ids[l.posting], l.account, l.qty, l.weight, l.value, a.owner_id, event_ats[l.posting], written_at
    FROM unnest(l_posting, l_account, l_qty, l_weight, l_value) AS l(posting, account, qty, weight, value)
    JOIN account a ON a.id = l.account
   WHERE l.posting = ANY (p_ok) ORDER BY l.posting, l.account;

  INSERT INTO leaf (kind, subject_id, body, hash)
  SELECT 'posting', b.posting_id, b.body, sha256('\x00'::bytea || b.body)
    FROM stock_posting_bodies(ids) AS b ORDER BY b.posting_id;

  UPDATE idem SET answer = jsonb_build_object('posting_id', ids[i], 'recorded_at', written_at)
    FROM unnest(p_ok) AS i WHERE idem.tenant_id = app_tenant() AND idem.key = keys[i];
END $$;

-- Posts. One row for each posting, in order: {"posting_id", "recorded_at"} or {"code", …}; `replayed` where the key was
-- known already and the stored answer is given again.
CREATE OR REPLACE FUNCTION stock_post(
    keys text[], hashes bytea[], kinds text[], event_ats timestamptz[], source_docs text[], reasons text[],
    devices text[], reverses bigint[], l_posting int[], l_account bigint[], l_qty bigint[], l_weight bigint[],
    l_value bigint[], r_posting int[], r_reservation bigint[], r_qty bigint[], s_posting int[] DEFAULT '{}',
    s_account bigint[] DEFAULT '{}', s_sign int[] DEFAULT '{}', s_no text[] DEFAULT '{}'
) RETURNS TABLE (ordinal int, answer jsonb, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
-- A list is small beside the tables, always: every table is reached through its index, also while the planner still
-- believes that the tables are empty.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  claimed text[]; live int[]; i int; fault jsonb; calm boolean; pieces boolean; weights bigint[] := l_weight;
  serials record;
BEGIN
  WITH claim AS (
    INSERT INTO idem (key, request_hash)
    SELECT k, h FROM unnest(keys, hashes) AS u(k, h) ORDER BY k ON CONFLICT DO NOTHING RETURNING key)
  SELECT coalesce(array_agg(key), '{}') INTO claimed FROM claim;
  SELECT coalesce(array_agg(n ORDER BY n), '{}') INTO live
    FROM generate_subscripts(keys, 1) AS n WHERE keys[n] = ANY (claimed);

  IF cardinality(live) > 0 THEN
    PERFORM pg_advisory_xact_lock_shared(stock_period_lock_key());
    IF cardinality(array_remove(reverses, NULL)) > 0 THEN
      -- Rivals who reverse the same posting queue here: the second then sees the first.
      PERFORM 1 FROM posting WHERE id = ANY (reverses) ORDER BY id FOR NO KEY UPDATE;
    END IF;
    WITH refused AS (
      UPDATE idem SET answer = f.answer
        FROM stock_faults(live, kinds, event_ats, reverses, l_posting, l_account, l_qty, r_posting, r_reservation) f
       WHERE idem.tenant_id = app_tenant() AND idem.key = keys[f.ordinal] RETURNING f.ordinal)
    SELECT coalesce(array_agg(n ORDER BY n), '{}') INTO live
      FROM unnest(live) AS n WHERE n NOT IN (SELECT r.ordinal FROM refused r);

    PERFORM 1 FROM balance WHERE account_id IN (
        SELECT l.account FROM unnest(l_posting, l_account) AS l(posting, account) WHERE l.posting = ANY (live)
        UNION SELECT r.account_id FROM reservation r WHERE r.id = ANY (r_reservation))
      ORDER BY account_id FOR NO KEY UPDATE;
    PERFORM 1 FROM reservation WHERE id = ANY (r_reservation) ORDER BY id FOR NO KEY UPDATE;

    -- Calm: even if all withdrawals came first, and at the earliest of their instants, nothing would fall short now or
    -- at any instant since.
    SELECT cardinality(r_posting) = 0 AND NOT EXISTS (
        SELECT 1 FROM (SELECT l.account, sum(l.qty) AS qty, min(event_ats[l.posting]) AS at
                         FROM unnest(l_posting, l_account, l_qty) AS l(posting, account, qty)
                        WHERE l.posting = ANY (live) AND l.qty < 0 GROUP BY l.account) l
          JOIN balance b ON b.account_id = l.account
         WHERE b.qty + l.qty < b.qty_reserved
            OR CASE WHEN l.at < b.last_event_at THEN stock_lowest_since(b.account_id, l.at) + l.qty < 0 END)
      INTO calm;
    pieces := cardinality(live) > 0 AND stock_has_pieces(l_account);

    IF calm AND NOT pieces AND cardinality(live) > 0 THEN
      PERFORM stock_write(live, keys, kinds, event_ats, source_docs, reasons, devices, reverses, l_posting, l_account,
                          l_qty, l_weight, l_value, r_posting, r_reservation, r_qty, false);
    ELSE
      FOREACH i IN ARRAY live LOOP
        fault := stock_short(i, event_ats[i], l_posting, l_account, l_qty, r_posting, r_reservation, r_qty);
        IF fault IS NULL AND pieces THEN
          SELECT w.l_weight, w.fault INTO weights, fault FROM stock_weigh(i, l_posting, l_account, l_qty, weights) w;
        END IF;
        IF fault IS NULL AND pieces THEN
          SELECT * INTO serials FROM stock_serials(i, reverses[i], l_posting, l_account, l_qty, s_posting, s_account,
                                                   s_sign, s_no);
          fault := serials.fault;
        END IF;
        IF fault IS NULL THEN
          PERFORM stock_write(ARRAY[i], keys, kinds, event_ats, source_docs, reasons, devices, reverses, l_posting,
                              l_account, l_qty, weights, l_value, r_posting, r_reservation, r_qty, pieces);
          IF pieces THEN
            PERFORM stock_move_serials(keys[i], serials.ids, serials.from_ids, serials.to_ids);
          END IF;
        ELSE
          UPDATE idem SET answer = fault WHERE tenant_id = app_tenant() AND key = keys[i];
        END IF;
      END LOOP;
    END IF;
  END IF;

  RETURN QUERY
    SELECT u.n::int, CASE WHEN m.request_hash = u.hash THEN m.answer
                          ELSE jsonb_build_object('code', 'key_reused', 'key', u.key) END,
           NOT u.key = ANY (claimed)
      FROM unnest(keys, hashes) WITH ORDINALITY AS u(key, hash, n)
      LEFT JOIN idem m ON m.tenant_id = app_tenant() AND m.key = u.key
     ORDER BY u.n;
END $$;
