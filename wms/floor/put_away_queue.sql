-- Goods at a dock that want a place stand in the one queue of work too, whoever brought them there: once for each
-- statement, so that a notice of five thousand pallets is queued as one list. `changed` are the rows as they are now.
CREATE OR REPLACE FUNCTION floor_queue_put_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO task (site_id, kind, subject_id, subject_no, owner_id, location_id, qty)
  SELECT c.site_id, 'put_away', c.id, 'PA' || lpad(c.id::text, 8, '0'), c.owner_id, c.from_location_id,
         greatest(c.qty - c.done_qty, 1)
    FROM changed c WHERE c.state = 'open' ORDER BY c.id
  ON CONFLICT (tenant_id, kind, subject_id) WHERE state IN ('open', 'taken') DO UPDATE SET qty = EXCLUDED.qty;
  IF TG_OP = 'UPDATE' THEN
    UPDATE task t
       SET state = c.state, done_at = CASE c.state WHEN 'done' THEN now() END,
           taken_at = coalesce(t.taken_at, now()), person_id = coalesce(app_person(), t.person_id)
      FROM changed c
     WHERE c.state <> 'open' AND t.tenant_id = c.tenant_id AND t.kind = 'put_away' AND t.subject_id = c.id
       AND t.state IN ('open', 'taken');
  END IF;
  RETURN NULL;
END $$;
