-- What every scan begins with, and a plain receipt as a whole, in one call each: a scan is too small a deed to be told to
-- the database in twenty statements.

-- Claims a scan by its key and its sequence number and locks what the device is in the middle of (made on its first
-- scan). No row: key or number is taken; a rival who is at work on the same is waited for.
CREATE OR REPLACE FUNCTION floor_scan_open(
    p_key text, p_device text, p_boot text, p_seq bigint, p_hash bytea, p_code text, p_symbology text, p_job text,
    p_occurred_at timestamptz
) RETURNS TABLE (scan_id bigint, site_id bigint, notice_id bigint, location_id bigint, document_no text,
                 next_qty bigint, is_damaged boolean, pending jsonb, site text, notice text, place text)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE claimed bigint; c scan_context;
BEGIN
  INSERT INTO scan (key, device, boot, seq, request_hash, code, symbology, job, occurred_at, person_id)
  VALUES (p_key, p_device, p_boot, p_seq, p_hash, p_code, p_symbology, p_job, p_occurred_at, app_person())
      ON CONFLICT DO NOTHING RETURNING id INTO claimed;
  IF claimed IS NULL THEN RETURN; END IF;
  SELECT * INTO c FROM scan_context
   WHERE tenant_id = app_tenant() AND device = p_device AND job = p_job FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO scan_context (device, job) VALUES (p_device, p_job) ON CONFLICT DO NOTHING;
    SELECT * INTO c FROM scan_context
     WHERE tenant_id = app_tenant() AND device = p_device AND job = p_job FOR UPDATE;
  END IF;
  RETURN QUERY
    SELECT claimed, c.site_id, c.notice_id, c.location_id, c.document_no::text, c.next_qty, c.is_damaged, c.pending,
           (SELECT s.code::text FROM site s WHERE s.id = c.site_id),
           (SELECT n.notice_no::text FROM advance_notice n WHERE n.id = c.notice_id),
           (SELECT l.code::text FROM location l WHERE l.id = c.location_id);
END $$;

-- What counting goods in is decided on: the notice, locked so that clerks count in turn, its lines with the count so
-- far, the items that carry one of the GTINs, and whether any of the notice's owner is inspected on receipt.
CREATE OR REPLACE FUNCTION floor_receipt_facts(p_notice bigint, p_gtins text[], p_on date)
RETURNS TABLE (state text, kind text, is_blind boolean, owner_id bigint, notice_site_id bigint, list_id bigint,
               lines json, items json, is_inspected boolean)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
  PERFORM 1 FROM advance_notice WHERE id = p_notice FOR NO KEY UPDATE;
  RETURN QUERY
    WITH counted AS (
      SELECT r.notice_line_id, sum(r.qty) AS qty FROM receipt_line r
       WHERE r.notice_id = p_notice AND r.undone_at IS NULL GROUP BY r.notice_line_id
    ), line AS (
      SELECT json_agg(json_build_array(l.id, l.line_no, l.trade_item_id, t.code, t.name_zh, t.name_en, t.base_unit,
                        l.expected_qty, coalesce(c.qty, 0), l.lot_no, l.expires_on, l.sscc, l.weight_g,
                        l.order_line_id, v.book_line_id) ORDER BY l.line_no) AS lines
        FROM notice_line l
        JOIN trade_item t ON t.id = l.trade_item_id
        LEFT JOIN counted c ON c.notice_line_id = l.id
        LEFT JOIN verification_line v ON v.id = l.verification_line_id
       WHERE l.notice_id = p_notice
    ), hit AS (
      SELECT t.id, t.base_unit AS unit, 1 AS base_qty FROM trade_item t WHERE t.gtin = ANY (p_gtins)
      UNION ALL
      SELECT p.trade_item_id, p.unit, p.base_qty FROM packaging_level p WHERE p.gtin = ANY (p_gtins)
    ), item AS (
      SELECT json_agg(json_build_array(h.unit, h.base_qty, t.id, t.owner_id, o.name_zh, o.name_en, t.code, t.gtin,
                        t.name_zh, t.name_en, t.base_unit, t.temperature_class, t.gross_weight_g, t.volume_mm3,
                        t.is_lot_controlled, t.is_expiry_controlled, t.is_serial_controlled, t.is_catch_weight)
                      ORDER BY t.id, h.base_qty) AS items
        FROM hit h JOIN trade_item t ON t.id = h.id JOIN company o ON o.id = t.owner_id
    )
    SELECT n.state::text, n.kind::text, n.is_blind, n.owner_id, n.site_id, n.verification_list_id, line.lines, item.items,
           EXISTS (SELECT 1 FROM inspection_plan i
                    WHERE (i.owner_id IS NULL OR i.owner_id = n.owner_id)
                      AND (i.supplier IS NULL OR i.supplier = n.supplier)
                      AND (i.trade_item_id IS NULL OR i.trade_item_id IN (SELECT h.id FROM hit h))
                      AND i.valid_from_on <= p_on AND (i.valid_until_on IS NULL OR i.valid_until_on >= p_on))
      FROM advance_notice n, line, item WHERE n.id = p_notice;
END $$;

-- Writes a plain receipt: the posting from supplier to dock, its line on the receipt, the place it wants, the device's
-- context and the scan's answer. What the ledger refuses is returned as the ledger says it, and nothing else is written.
CREATE OR REPLACE FUNCTION floor_receipt_write(
    p_scan bigint, p_device text, p_at timestamptz, p_outcome text, p_answer jsonb, p_key text, p_hash bytea,
    p_event_at timestamptz, p_doc text, p_from bigint, p_to bigint, p_qty bigint, p_notice bigint, p_line bigint,
    p_item bigint, p_location bigint, p_quality text, p_owner bigint, p_site bigint, p_is_blocked boolean
) RETURNS jsonb LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE said jsonb; posted bigint;
BEGIN
  SELECT s.answer INTO said
    FROM stock_post(ARRAY[p_key], ARRAY[p_hash], ARRAY['receipt'], ARRAY[p_event_at], ARRAY[p_doc],
                    ARRAY[NULL::text], ARRAY[p_device], ARRAY[NULL::bigint], ARRAY[1, 1],
                    ARRAY[least(p_from, p_to), greatest(p_from, p_to)],
                    CASE WHEN p_from < p_to THEN ARRAY[-p_qty, p_qty] ELSE ARRAY[p_qty, -p_qty] END,
                    ARRAY[NULL, NULL]::bigint[], ARRAY[NULL, NULL]::bigint[], '{}', '{}', '{}') s;
  IF said ? 'code' THEN RETURN said; END IF;
  posted := (said ->> 'posting_id')::bigint;
  INSERT INTO receipt_line (notice_id, notice_line_id, scan_id, trade_item_id, location_id, quality_status, qty,
                            posting_id, person_id, received_at)
  VALUES (p_notice, p_line, p_scan, p_item, p_location, p_quality, p_qty, posted, app_person(), p_event_at);
  INSERT INTO put_away_task AS t (site_id, from_location_id, owner_id, trade_item_id, is_blocked, qty)
  VALUES (p_site, p_location, p_owner, p_item, p_is_blocked, p_qty)
      ON CONFLICT (from_location_id, trade_item_id, lot_id, handling_unit_id, is_blocked) WHERE state = 'open'
      DO UPDATE SET qty = t.qty + excluded.qty;
  UPDATE scan_context SET next_qty = NULL, is_damaged = false, changed_at = p_at
   WHERE tenant_id = app_tenant() AND device = p_device AND job = 'receive';
  UPDATE scan SET outcome = p_outcome, answer = p_answer, posting_id = posted WHERE id = p_scan;
  RETURN said;
END $$;
