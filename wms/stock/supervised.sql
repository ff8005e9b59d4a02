-- Bonded goods lie under customs' supervision or nowhere: whichever door is tried, and for hand-written SQL too.

-- No account for bonded goods is ever opened at a place outside the supervision.
CREATE OR REPLACE FUNCTION stock_refuse_unsupervised() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE place text;
BEGIN
  SELECT l.code INTO place FROM opened a JOIN location l ON l.id = a.location_id
   WHERE a.kind = 'location' AND a.customs_status = 'bonded' AND NOT l.is_bonded LIMIT 1;
  IF place IS NOT NULL THEN
    RAISE EXCEPTION 'bonded goods cannot lie at %, outside the supervision of customs', place USING ERRCODE = 'DT030';
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER account_supervised AFTER INSERT ON account REFERENCING NEW TABLE AS opened
  FOR EACH STATEMENT EXECUTE FUNCTION stock_refuse_unsupervised();

-- A place that ever held bonded goods stays under the supervision: ordinary goods get a place of another code.
CREATE OR REPLACE FUNCTION stock_refuse_withdrawal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM account WHERE location_id = NEW.id AND kind = 'location' AND customs_status = 'bonded') THEN
    RAISE EXCEPTION 'place % held bonded goods and stays under the supervision of customs', OLD.code
      USING ERRCODE = 'DT031';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER location_stays_supervised BEFORE UPDATE OF is_bonded ON location
  FOR EACH ROW WHEN (OLD.is_bonded AND NOT NEW.is_bonded) EXECUTE FUNCTION stock_refuse_withdrawal();
