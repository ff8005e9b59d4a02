-- Goods whose pieces are told apart: by a number of their own (serial-controlled) or by a weight of their own (catch
-- weight). The posting routine asks here under its locks; postings of other goods pass by after one look.
--
-- A serial number lies in one account at a time: its row names it, and only a posting that takes one piece from there
-- and names the number moves it. What a posting leaves unsaid is filled in where only one answer is possible: whoever
-- takes all of an account takes all its numbers and all its grams.

CREATE OR REPLACE FUNCTION stock_has_pieces(p_accounts bigint[]) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM trade_item WHERE is_serial_controlled OR is_catch_weight)
     AND EXISTS (SELECT 1 FROM unnest(p_accounts) AS x(id) JOIN account a ON a.id = x.id
                   JOIN trade_item t ON t.id = a.trade_item_id WHERE t.is_serial_controlled OR t.is_catch_weight);
END $$;

-- The weights of posting `p_i`, completed, or the first refusal: weights missing, not balanced, or left without pieces.
CREATE OR REPLACE FUNCTION stock_weigh(
    p_i int, l_posting int[], l_account bigint[], l_qty bigint[], INOUT l_weight bigint[], OUT fault jsonb
) LANGUAGE plpgsql AS $$
DECLARE found record;
BEGIN
  WITH line AS (
    SELECT l.n, l.account, l.qty, l.weight, a.trade_item_id, a.lot_id, a.quality_status, a.customs_status,
           a.book_line_id, k.is_virtual, b.qty AS held, coalesce(b.weight_g, 0) AS held_g
      FROM unnest(l_posting, l_account, l_qty, l_weight) WITH ORDINALITY AS l(posting, account, qty, weight, n)
      JOIN account a ON a.id = l.account
      JOIN account_kind k ON k.kind = a.kind
      JOIN trade_item t ON t.id = a.trade_item_id
      LEFT JOIN balance b ON b.account_id = a.id
     WHERE l.posting = p_i AND k.side = 'physical' AND t.is_catch_weight
  ), whole AS (
    SELECT *, CASE WHEN weight IS NULL AND NOT is_virtual AND qty < 0 AND held + qty = 0 THEN -held_g ELSE weight END AS w
      FROM line
  ), alike AS (
    SELECT *, count(*) FILTER (WHERE w IS NULL) OVER same AS open, count(w) OVER same AS known, sum(w) OVER same AS g
      FROM whole WINDOW same AS (PARTITION BY trade_item_id, lot_id, quality_status, customs_status, book_line_id)
  ), paired AS (
    SELECT *, CASE WHEN w IS NULL AND open = 1 AND known = 1 THEN -g ELSE w END AS w2 FROM alike
  ), of_item AS (
    SELECT *, count(*) FILTER (WHERE w2 IS NULL) OVER (PARTITION BY trade_item_id) AS still_open,
           sum(w2) OVER (PARTITION BY trade_item_id) AS item_g FROM paired
  ), full_line AS (
    SELECT n, account, qty, trade_item_id, is_virtual, held, held_g,
           bool_or(NOT is_virtual) OVER (PARTITION BY trade_item_id) AS is_here,
           CASE WHEN w2 IS NULL AND still_open = 1 THEN -item_g ELSE w2 END AS w FROM of_item
  ), wrong AS (
    SELECT 1 AS rank, jsonb_build_object('code', 'weight_missing', 'trade_item_id', trade_item_id) AS answer
      FROM full_line WHERE is_here AND (w IS NULL OR sign(w) <> sign(qty))
    UNION ALL
    SELECT 2, jsonb_build_object('code', 'weight_unbalanced', 'trade_item_id', trade_item_id, 'sum_g', sum(w))
      FROM full_line GROUP BY trade_item_id HAVING sum(w) <> 0
    UNION ALL
    SELECT 3, jsonb_build_object('code', 'weight_left', 'account_id', account, 'qty', held + qty, 'weight_g', held_g + w)
      FROM full_line WHERE NOT is_virtual AND (held_g + w < 0 OR (held + qty = 0) <> (held_g + w = 0))
  )
  SELECT (SELECT answer FROM wrong ORDER BY rank, answer LIMIT 1) AS answer,
         (SELECT array_agg(coalesce(f.w, x.w) ORDER BY x.n)
            FROM unnest(l_weight) WITH ORDINALITY AS x(w, n) LEFT JOIN full_line f ON f.n = x.n) AS weights
    INTO found;
  fault := found.answer;
  l_weight := found.weights;
END $$;

-- As the UPDATE of balances in stock_write, with the grams of catch-weight goods; returns how many rows it changed.
CREATE OR REPLACE FUNCTION stock_change_weighed(
    p_ok int[], event_ats timestamptz[], l_posting int[], l_account bigint[], l_qty bigint[], l_weight bigint[],
    r_posting int[], r_reservation bigint[], r_qty bigint[]
) RETURNS int LANGUAGE plpgsql AS $$
DECLARE done int;
BEGIN
  WITH used AS (
    SELECT r.account_id, sum(u.qty) AS qty
      FROM unnest(r_posting, r_reservation, r_qty) AS u(posting, reservation, qty)
      JOIN reservation r ON r.id = u.reservation
     WHERE u.posting = ANY (p_ok) GROUP BY r.account_id
  ), change AS (
    SELECT l.account, sum(l.qty) AS qty, max(event_ats[l.posting]) AS event_at,
           sum(l.weight) FILTER (WHERE t.is_catch_weight AND k.side = 'physical') AS weight_g
      FROM unnest(l_posting, l_account, l_qty, l_weight) AS l(posting, account, qty, weight)
      JOIN account a ON a.id = l.account
      JOIN account_kind k ON k.kind = a.kind
      JOIN trade_item t ON t.id = a.trade_item_id
     WHERE l.posting = ANY (p_ok) GROUP BY l.account
  ), age AS (
    SELECT l.account, min(l.since_at) FILTER (WHERE l.qty > 0) AS since_at
      FROM stock_with_age(p_ok, event_ats, l_posting, l_account, l_qty) AS l GROUP BY l.account
  )
  UPDATE balance b
     SET qty = b.qty + c.qty, qty_reserved = b.qty_reserved - coalesce(u.qty, 0),
         weight_g = CASE WHEN c.weight_g IS NULL THEN b.weight_g ELSE coalesce(b.weight_g, 0) + c.weight_g END,
         since_at = CASE WHEN b.qty = 0 THEN coalesce(g.since_at, b.since_at) ELSE least(b.since_at, g.since_at) END,
         last_event_at = greatest(b.last_event_at, c.event_at), version = b.version + 1
    FROM change c JOIN age g ON g.account = c.account LEFT JOIN used u ON u.account_id = c.account
   WHERE b.account_id = c.account AND b.qty + c.qty >= 0;
  GET DIAGNOSTICS done = ROW_COUNT;
  RETURN done;
END $$;

-- Which serial numbers posting `p_i` moves from where to where, or the first refusal. What is not named is filled in
-- where a line takes all of its account, and for a reversal from the posting that it reverses.
CREATE OR REPLACE FUNCTION stock_serials(
    p_i int, p_reverses bigint, l_posting int[], l_account bigint[], l_qty bigint[],
    s_posting int[], s_account bigint[], s_sign int[], s_no text[],
    OUT fault jsonb, OUT ids bigint[], OUT from_ids bigint[], OUT to_ids bigint[]
) LANGUAGE plpgsql AS $$
DECLARE found record;
BEGIN
  WITH line AS (
    SELECT l.account, l.qty, a.trade_item_id, a.lot_id, a.quality_status, a.customs_status, a.book_line_id,
           k.is_virtual, b.qty AS held
      FROM unnest(l_posting, l_account, l_qty) AS l(posting, account, qty)
      JOIN account a ON a.id = l.account
      JOIN account_kind k ON k.kind = a.kind
      JOIN trade_item t ON t.id = a.trade_item_id
      LEFT JOIN balance b ON b.account_id = a.id
     WHERE l.posting = p_i AND k.side = 'physical' AND t.is_serial_controlled
  ), named AS (
    SELECT a.trade_item_id, s.no, max(s.account) FILTER (WHERE s.sign < 0) AS from_id,
           max(s.account) FILTER (WHERE s.sign > 0) AS to_id
      FROM unnest(s_posting, s_account, s_sign, s_no) AS s(posting, account, sign, no)
      JOIN account a ON a.id = s.account
     WHERE s.posting = p_i GROUP BY a.trade_item_id, s.no
    UNION ALL
    SELECT r.trade_item_id, r.serial_no, m.to_account_id, m.from_account_id
      FROM serial_move m JOIN serial r ON r.id = m.serial_id WHERE m.posting_id = p_reverses
  ), move AS (
    SELECT trade_item_id, no, from_id, to_id FROM named
    UNION ALL
    SELECT l.trade_item_id, r.serial_no, l.account, t.account
      FROM line l
      JOIN serial r ON r.account_id = l.account
      CROSS JOIN LATERAL (
        SELECT p.account FROM line p
         WHERE p.trade_item_id = l.trade_item_id AND p.qty > 0 AND p.account NOT IN (SELECT n.to_id FROM named n
                WHERE n.to_id IS NOT NULL)
         ORDER BY p.lot_id IS NOT DISTINCT FROM l.lot_id DESC, p.qty = -l.qty DESC,
                  p.quality_status = l.quality_status DESC, p.customs_status = l.customs_status DESC,
                  p.book_line_id IS NOT DISTINCT FROM l.book_line_id DESC, p.account
         LIMIT 1) t
     WHERE l.qty < 0 AND NOT l.is_virtual AND l.held + l.qty = 0
       AND NOT EXISTS (SELECT 1 FROM named n WHERE n.from_id = l.account)
  ), counted AS (
    SELECT l.trade_item_id, l.qty, l.is_virtual, (SELECT count(*) FROM move m WHERE m.to_id = l.account)
                                 - (SELECT count(*) FROM move m WHERE m.from_id = l.account) AS named
      FROM line l
  ), wrong AS (
    SELECT jsonb_build_object('code', 'serials_missing', 'trade_item_id', trade_item_id, 'wanted', abs(qty),
                              'named', abs(named)) AS answer
      FROM counted WHERE NOT is_virtual AND qty <> named
    UNION ALL
    SELECT jsonb_build_object('code', 'serials_missing', 'trade_item_id', m.trade_item_id, 'wanted', 0, 'named', 1)
      FROM move m WHERE m.from_id IS NULL OR m.to_id IS NULL
          OR m.from_id NOT IN (SELECT account FROM line) OR m.to_id NOT IN (SELECT account FROM line)
  )
  SELECT (SELECT answer FROM wrong ORDER BY answer LIMIT 1) AS answer, array_agg(trade_item_id ORDER BY trade_item_id, no) AS items,
         array_agg(no ORDER BY trade_item_id, no) AS nos, array_agg(from_id ORDER BY trade_item_id, no) AS froms,
         array_agg(to_id ORDER BY trade_item_id, no) AS tos
    INTO found FROM move;
  fault := found.answer;
  IF fault IS NOT NULL OR found.items IS NULL THEN RETURN; END IF;

  -- A number seen for the first time is filed; a rival who files the same one is waited for.
  INSERT INTO serial (trade_item_id, owner_id, serial_no)
  SELECT m.item, t.owner_id, m.no
    FROM unnest(found.items, found.nos, found.froms) AS m(item, no, from_id)
    JOIN account a ON a.id = m.from_id
    JOIN account_kind k ON k.kind = a.kind
    JOIN trade_item t ON t.id = m.item
   WHERE k.is_virtual ORDER BY m.item, m.no
  ON CONFLICT DO NOTHING;
  PERFORM 1 FROM serial r
    JOIN unnest(found.items, found.nos) AS m(item, no) ON r.trade_item_id = m.item AND r.serial_no = m.no
   ORDER BY r.id FOR NO KEY UPDATE OF r;

  SELECT jsonb_build_object('code', CASE WHEN k.is_virtual THEN 'serial_here_already' ELSE 'serial_elsewhere' END,
                            'serial_no', m.no, 'trade_item_id', m.item, 'account_id', r.account_id)
    INTO fault
    FROM unnest(found.items, found.nos, found.froms) AS m(item, no, from_id)
    JOIN account a ON a.id = m.from_id
    JOIN account_kind k ON k.kind = a.kind
    LEFT JOIN serial r ON r.trade_item_id = m.item AND r.serial_no = m.no
    LEFT JOIN account now ON now.id = r.account_id
    LEFT JOIN account_kind nk ON nk.kind = now.kind
   WHERE CASE WHEN k.is_virtual THEN NOT coalesce(nk.is_virtual, true) ELSE r.account_id IS DISTINCT FROM m.from_id END
   ORDER BY m.item, m.no LIMIT 1;
  IF fault IS NOT NULL THEN RETURN; END IF;

  SELECT array_agg(r.id ORDER BY r.id), array_agg(m.from_id ORDER BY r.id), array_agg(m.to_id ORDER BY r.id)
    INTO ids, from_ids, to_ids
    FROM unnest(found.items, found.nos, found.froms, found.tos) AS m(item, no, from_id, to_id)
    JOIN serial r ON r.trade_item_id = m.item AND r.serial_no = m.no;
END $$;

-- Notes where the numbers of a posting went; their rows are locked.
CREATE OR REPLACE FUNCTION stock_move_serials(p_key text, p_ids bigint[], p_from bigint[], p_to bigint[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO serial_move (posting_id, serial_id, from_account_id, to_account_id)
  SELECT p.id, m.serial_id, m.from_id, m.to_id
    FROM unnest(p_ids, p_from, p_to) AS m(serial_id, from_id, to_id)
    JOIN posting p ON p.tenant_id = app_tenant() AND p.idem_key = p_key ORDER BY m.serial_id;
  UPDATE serial r SET account_id = m.to_id
    FROM unnest(p_ids, p_to) AS m(serial_id, to_id) WHERE r.id = m.serial_id;
END $$;
