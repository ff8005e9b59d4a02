-- What holds at the gate even for hand-written SQL.

-- I5, I6 at commit: goods leave by gate only with the use of a pass that has passed, by its own vehicle, in its own
-- quantities. Reversals (a correction by a named person) are the ledger's business.
CREATE OR REPLACE FUNCTION gate_refuse_leaving() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE used gate_pass_use; pass gate_pass; seen text; wrong int;
BEGIN
  SELECT * INTO used FROM gate_pass_use WHERE tenant_id = NEW.tenant_id AND posting_id = NEW.id;
  IF used.id IS NULL THEN
    RAISE EXCEPTION 'posting % lets goods out without a gate pass', NEW.id USING ERRCODE = 'DT020';
  END IF;
  SELECT * INTO pass FROM gate_pass WHERE id = used.gate_pass_id;
  SELECT plate INTO seen FROM passage WHERE id = used.passage_id AND state = 'passed';
  IF pass.direction <> 'E' OR pass.state <> 'passed' OR pass.vehicle_plate <> used.vehicle_plate
     OR seen IS DISTINCT FROM pass.vehicle_plate
     OR (pass.is_double_gate AND used.stage <> 2) THEN
    RAISE EXCEPTION 'posting %: gate pass % does not let vehicle % out', NEW.id, pass.pass_no, used.vehicle_plate
      USING ERRCODE = 'DT021';
  END IF;
  SELECT count(*) INTO wrong FROM (
    SELECT a.trade_item_id, -sum(e.qty) AS qty FROM entry e JOIN account a ON a.id = e.account_id
     WHERE e.posting_id = NEW.id AND a.kind = 'declared_not_left' GROUP BY a.trade_item_id) out
   FULL JOIN (SELECT trade_item_id, sum(qty) AS qty FROM gate_pass_line WHERE gate_pass_id = pass.id
               GROUP BY trade_item_id) named USING (trade_item_id)
   WHERE out.qty IS DISTINCT FROM named.qty;
  IF wrong > 0 THEN
    RAISE EXCEPTION 'posting %: the goods are not those of gate pass %', NEW.id, pass.pass_no USING ERRCODE = 'DT022';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER posting_leaves_by_gate AFTER INSERT ON posting DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.kind = 'gate_out') EXECUTE FUNCTION gate_refuse_leaving();

-- Voiding a pass after passage is refused (customs reference, 5.2), and a passed pass never opens again.
CREATE OR REPLACE FUNCTION gate_refuse_void() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  IF (OLD.state = 'passed' AND NEW.state <> 'passed')
     OR (OLD.state = 'passed_first' AND NEW.state NOT IN ('passed_first', 'passed'))
     OR (OLD.state IN ('void', 'deleted') AND NEW.state <> OLD.state) THEN
    RAISE EXCEPTION 'gate pass % is % and cannot become %', OLD.pass_no, OLD.state, NEW.state USING ERRCODE = 'DT023';
  END IF;
  IF NEW.state IN ('void', 'deleted') AND EXISTS (
      SELECT 1 FROM release WHERE gate_pass_id = NEW.id AND state IN ('granted', 'used')) THEN
    RAISE EXCEPTION 'gate pass % is letting its vehicle out', OLD.pass_no USING ERRCODE = 'DT023';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER gate_pass_not_voided_after_passage BEFORE UPDATE OF state ON gate_pass
  FOR EACH ROW EXECUTE FUNCTION gate_refuse_void();

-- Only a customs officer releases a held vehicle; an administrator may not, by whatever door.
CREATE OR REPLACE FUNCTION gate_refuse_release() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM unnest(ARRAY[NEW.requested_by, NEW.approved_by]) AS who(id)
              WHERE who.id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM person_role r JOIN person p ON p.id = r.person_id
                 WHERE r.person_id = who.id AND r.role = 'customs_officer' AND p.is_active
                   AND r.tenant_id = NEW.tenant_id)) THEN
    RAISE EXCEPTION 'only a customs officer releases a held vehicle' USING ERRCODE = 'DT024';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER release_by_officer BEFORE INSERT OR UPDATE ON release
  FOR EACH ROW EXECUTE FUNCTION gate_refuse_release();

-- A command to open rests on a release that lives, of the same lane; what was sent is never queued again.
CREATE OR REPLACE FUNCTION gate_refuse_command() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.action = 'open' AND NOT EXISTS (
      SELECT 1 FROM release r JOIN passage p ON p.id = r.passage_id
       WHERE r.id = NEW.release_id AND r.state = 'granted' AND p.lane_id = NEW.lane_id) THEN
    RAISE EXCEPTION 'command % rests on no living release of its lane', NEW.cmd_id USING ERRCODE = 'DT025';
  END IF;
  IF TG_OP = 'UPDATE' AND ((OLD.state <> 'queued' AND NEW.state = 'queued')
      OR (OLD.sent_at IS NOT NULL AND NEW.sent_at IS DISTINCT FROM OLD.sent_at)
      OR (NEW.cmd_id, NEW.release_id, NEW.nonce, NEW.expires_at) IS DISTINCT FROM
         (OLD.cmd_id, OLD.release_id, OLD.nonce, OLD.expires_at)) THEN
    RAISE EXCEPTION 'command % was issued once and stands', OLD.cmd_id USING ERRCODE = 'DT026';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER barrier_command_once BEFORE INSERT OR UPDATE ON barrier_command
  FOR EACH ROW EXECUTE FUNCTION gate_refuse_command();

-- Live pages are woken with an id; they read the row itself under their own scope.
CREATE OR REPLACE FUNCTION gate_note_live() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('dongting_live', NEW.id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER live_note_wakes AFTER INSERT ON live_note FOR EACH ROW EXECUTE FUNCTION gate_note_live();
