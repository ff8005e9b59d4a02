-- Goods at a dock that want a place stand in the one queue of work too, whoever brought them there.
CREATE OR REPLACE FUNCTION floor_queue_put_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = 'open' THEN
    INSERT INTO task (site_id, kind, subject_id, subject_no, owner_id, location_id, qty)
    VALUES (NEW.site_id, 'put_away', NEW.id, 'PA' || lpad(NEW.id::text, 8, '0'), NEW.owner_id, NEW.from_location_id,
            greatest(NEW.qty - NEW.done_qty, 1))
    ON CONFLICT (tenant_id, kind, subject_id) WHERE state IN ('open', 'taken') DO UPDATE SET qty = EXCLUDED.qty;
  ELSE
    UPDATE task
       SET state = NEW.state, done_at = CASE NEW.state WHEN 'done' THEN now() END,
           taken_at = coalesce(taken_at, now()), person_id = coalesce(app_person(), person_id)
     WHERE tenant_id = NEW.tenant_id AND kind = 'put_away' AND subject_id = NEW.id AND state IN ('open', 'taken');
  END IF;
  RETURN NULL;
END $$;
