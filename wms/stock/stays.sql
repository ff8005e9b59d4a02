-- Which unit stood in which, and when: what happened to the outer one at an instant happened to what stood in it then.
CREATE OR REPLACE FUNCTION stock_note_stay() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE changed_at timestamptz := clock_timestamp();
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.parent_id IS NULL THEN RETURN NEW; END IF;
    changed_at := coalesce(NEW.nested_at, changed_at);
  ELSE
    -- Who changes the parent and says nothing of the time does it now.
    IF NEW.nested_at IS DISTINCT FROM OLD.nested_at THEN
      changed_at := coalesce(NEW.nested_at, changed_at);
    END IF;
    UPDATE unit_stay SET until_at = greatest(from_at, changed_at)
     WHERE handling_unit_id = NEW.id AND until_at IS NULL;
  END IF;
  IF NEW.parent_id IS NOT NULL THEN
    INSERT INTO unit_stay (tenant_id, handling_unit_id, parent_id, from_at)
    VALUES (NEW.tenant_id, NEW.id, NEW.parent_id, greatest(changed_at, (
      SELECT max(until_at) FROM unit_stay WHERE handling_unit_id = NEW.id)));
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS handling_unit_changes_parent ON handling_unit;
CREATE TRIGGER handling_unit_changes_parent AFTER UPDATE OF parent_id ON handling_unit
  FOR EACH ROW WHEN (NEW.parent_id IS DISTINCT FROM OLD.parent_id) EXECUTE FUNCTION stock_note_stay();
DROP TRIGGER IF EXISTS handling_unit_comes_with_parent ON handling_unit;
CREATE TRIGGER handling_unit_comes_with_parent AFTER INSERT ON handling_unit
  FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION stock_note_stay();
