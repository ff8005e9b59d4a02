-- An issued invoice is never edited: it can be credited, once, and that is all.
CREATE OR REPLACE FUNCTION billing_refuse_edit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.state <> 'draft' THEN
      RAISE EXCEPTION 'invoice % is issued', OLD.invoice_no USING ERRCODE = 'DT007';
    END IF;
    RETURN OLD;
  END IF;
  IF OLD.state <> 'draft' AND (NEW.state, OLD.state) IS DISTINCT FROM ('credited', 'issued')
     OR OLD.state <> 'draft' AND to_jsonb(NEW) - 'state' IS DISTINCT FROM to_jsonb(OLD) - 'state' THEN
    RAISE EXCEPTION 'invoice % is issued', OLD.invoice_no USING ERRCODE = 'DT007';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION billing_refuse_line_edit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE is_draft boolean;
BEGIN
  SELECT state = 'draft' INTO is_draft FROM invoice WHERE id = coalesce(OLD.invoice_id, NEW.invoice_id);
  IF NOT is_draft THEN
    RAISE EXCEPTION 'the lines of an issued invoice stand' USING ERRCODE = 'DT007';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;
