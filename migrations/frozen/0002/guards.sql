-- What holds even for hand-written SQL: triggers behind the routine, not instead of it.

-- A balance row exists for each account that is not virtual.
CREATE FUNCTION stock_open_balance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  INSERT INTO balance (tenant_id, account_id, owner_id)
  SELECT n.tenant_id, n.id, n.owner_id FROM opened n JOIN account_kind k ON k.kind = n.kind
   WHERE NOT k.is_virtual ORDER BY n.id;
  RETURN NULL;
END $$;
CREATE TRIGGER account_opens_balance AFTER INSERT ON account REFERENCING NEW TABLE AS opened
  FOR EACH STATEMENT EXECUTE FUNCTION stock_open_balance();

-- I9: no posting into a closed month, by whatever door.
CREATE FUNCTION stock_refuse_closed_month() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('period_close', NEW.tenant_id));
  IF EXISTS (SELECT 1 FROM period_close WHERE tenant_id = NEW.tenant_id AND month_on >= stock_month(NEW.event_at)) THEN
    RAISE EXCEPTION 'the month of % is closed', NEW.event_at USING ERRCODE = 'DT004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER posting_month_open BEFORE INSERT ON posting
  FOR EACH ROW EXECUTE FUNCTION stock_refuse_closed_month();

-- Entries join their posting in its own transaction or never.
CREATE FUNCTION stock_refuse_late_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM (SELECT DISTINCT posting_id FROM added) e
             CROSS JOIN LATERAL (SELECT transaction_id FROM posting p WHERE p.id = e.posting_id OFFSET 0) p
              WHERE p.transaction_id <> pg_current_xact_id()::text::bigint) THEN
    RAISE EXCEPTION 'entries cannot be added to a posting that is already written' USING ERRCODE = 'DT005';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER entry_with_posting AFTER INSERT ON entry REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION stock_refuse_late_entry();

-- I2, I4 and I5 at commit: a posting sums to zero for each item on each side, moves shelf and book of a line alike, and
-- lets bonded goods out only by the gate.
CREATE FUNCTION stock_refuse_unbalanced() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE lines bigint; wrong boolean;
BEGIN
  WITH line AS (
    SELECT a.trade_item_id, a.kind, k.side, e.qty, k.in_identity, a.book_line_id, a.customs_status
      FROM entry e JOIN account a ON a.id = e.account_id JOIN account_kind k ON k.kind = a.kind
     WHERE e.posting_id = NEW.id
  ), per_item AS (
    SELECT sum(qty) AS off, count(*) AS lines FROM line GROUP BY trade_item_id, side
  ), per_book_line AS (
    SELECT sum(CASE side WHEN 'physical' THEN qty ELSE -qty END) AS off FROM line
     WHERE in_identity AND book_line_id IS NOT NULL AND (side = 'book' OR customs_status = 'bonded')
     GROUP BY book_line_id
  ), leaving AS (
    -- I5: bonded goods reach a customer by the gate alone.
    SELECT 1 FROM line WHERE NEW.kind <> 'gate_out' AND NEW.reverses_id IS NULL GROUP BY trade_item_id
    HAVING sum(qty) FILTER (WHERE kind = 'customer') > 0
       AND sum(qty) FILTER (WHERE in_identity AND side = 'physical' AND customs_status = 'bonded') < 0
  )
  SELECT sum(i.lines), bool_or(i.off <> 0) OR EXISTS (SELECT 1 FROM per_book_line WHERE off <> 0)
              OR EXISTS (SELECT 1 FROM leaving)
    INTO lines, wrong FROM per_item i;
  IF lines IS NULL OR wrong THEN
    RAISE EXCEPTION 'posting % does not balance', NEW.id USING ERRCODE = 'DT006';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER posting_balances AFTER INSERT ON posting DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION stock_refuse_unbalanced();

-- An answer is given once and stands.
CREATE FUNCTION record_refuse_second_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.answer IS NOT NULL OR (NEW.tenant_id, NEW.key, NEW.request_hash) <> (OLD.tenant_id, OLD.key, OLD.request_hash) THEN
    RAISE EXCEPTION 'the answer under key % stands', OLD.key USING ERRCODE = 'DT001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER idem_answers_once BEFORE UPDATE ON idem FOR EACH ROW EXECUTE FUNCTION record_refuse_second_answer();

-- Other rooms append their facts through this; a posting's leaf is written by the posting routine alone.
CREATE FUNCTION record_append(p_kind text, p_subject bigint, p_body bytea) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE made bigint;
BEGIN
  IF p_kind = 'posting' THEN
    RAISE EXCEPTION 'the leaf of a posting is written with the posting' USING ERRCODE = 'DT003';
  END IF;
  made := nextval('leaf_id_seq');
  INSERT INTO leaf (id, kind, subject_id, body, hash)
  VALUES (made, p_kind, p_subject, p_body, sha256('\x00'::bytea || p_body));
  RETURN made;
END $$;
