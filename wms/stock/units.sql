-- Handling units stand in one another without a ring, held even for hand-written SQL. Each unit on the way up is locked,
-- so that two who nest crosswise at once cannot close a ring together: one of them waits, or is told to try again.
CREATE OR REPLACE FUNCTION stock_refuse_ring() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE above bigint := NEW.parent_id;
BEGIN
  WHILE above IS NOT NULL LOOP
    IF above = NEW.id THEN
      RAISE EXCEPTION 'unit % would stand in itself', NEW.sscc USING ERRCODE = 'DT007';
    END IF;
    SELECT h.parent_id INTO above FROM handling_unit h WHERE h.id = above FOR NO KEY UPDATE;
  END LOOP;
  RETURN NEW;
END $$;
CREATE TRIGGER handling_unit_no_ring BEFORE INSERT OR UPDATE OF parent_id ON handling_unit
  FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION stock_refuse_ring();
