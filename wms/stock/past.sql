-- The stock of everything at an instant of the past, without adding up all that ever happened.
--
-- A checkpoint is the sum of each account over a set of entries that is told exactly by three bounds: event before B,
-- recorded until K, posting id up to P. It is derived, written by a job, re-checked by `dongting verify`, and no answer
-- depends on it: the sum over any other set differs from it by the entries that are in one set and not in the other, and
-- those are looked up. Two more starting points need no job: nothing at all, and the balances of the present.

-- Where to start from for the stock of `p_instant` as known at `p_known`: the starting point nearest in time.
-- checkpoint_id 0 is nothing at all, -1 the balances of the present (only where no virtual account is asked for).
CREATE OR REPLACE FUNCTION stock_nearest(p_instant timestamptz, p_known timestamptz, p_virtual boolean)
RETURNS TABLE (checkpoint_id bigint, event_before timestamptz, recorded_until timestamptz, through_posting_id bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
  WITH start AS (
    SELECT 0::bigint AS id, '-infinity'::timestamptz AS b, '-infinity'::timestamptz AS k, 0::bigint AS p,
           coalesce((SELECT min(c.first_event_at) FROM stock_checkpoint c),
                    CASE WHEN app_sees_all() THEN (SELECT min(p.event_at) FROM posting p) ELSE '1900-01-01' END) AS at
    UNION ALL
    SELECT -1, 'infinity', 'infinity', 9223372036854775807, clock_timestamp() WHERE NOT p_virtual
    UNION ALL
    SELECT c.id, c.event_before, c.recorded_until, c.through_posting_id, c.event_before FROM stock_checkpoint c
  )
  SELECT id, b, k, p FROM start
   ORDER BY abs(extract(epoch FROM least(p_instant, p_known, clock_timestamp()) - at)) NULLS FIRST, id LIMIT 1
$$;

-- Entries of events before `p_event` that were recorded between two instants or written after a posting: the backdated.
-- They are few among all, which the planner cannot know: it is kept to the index.
CREATE OR REPLACE FUNCTION stock_late(
    p_event timestamptz, p_known timestamptz, p_last bigint, p_until timestamptz, p_through bigint
) RETURNS TABLE (account_id bigint, qty bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, public SET enable_seqscan = off SET jit = off AS $$
  SELECT e.account_id, e.qty * ((e.recorded_at <= p_known AND e.posting_id <= p_last)::int
                                - (e.recorded_at <= p_until AND e.posting_id <= p_through)::int)
    FROM entry e
   WHERE (e.event_at < p_event AND e.recorded_at > least(p_known, p_until)
          AND e.recorded_at <= greatest(p_known, p_until))
      OR (e.event_at < p_event AND e.posting_id > least(p_last, p_through)
          AND e.posting_id <= greatest(p_last, p_through))
$$;

-- The sum of each account over the entries with event up to `p_instant` that were recorded until `p_known` (and stand in
-- postings up to `p_last`); accounts whose sum is zero are left out. Without `p_virtual` the sums of virtual accounts
-- must not be read: they are partial.
CREATE OR REPLACE FUNCTION stock_sums_at(
    p_instant timestamptz, p_known timestamptz, p_virtual boolean, p_last bigint DEFAULT 9223372036854775807
) RETURNS TABLE (account_id bigint, qty bigint) ROWS 100000
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public SET work_mem = '64MB' SET jit = off
SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  base record;
  known timestamptz := coalesce(p_known, 'infinity');
BEGIN
  SELECT * INTO base FROM stock_nearest(p_instant, known, p_virtual);
  RETURN QUERY
    SELECT x.account_id, sum(x.qty)::bigint FROM (
      SELECT b.account_id, b.qty FROM balance b WHERE base.checkpoint_id = -1 AND b.qty <> 0
      UNION ALL
      SELECT s.account_id, s.qty FROM stock_checkpoint_sum s
       WHERE base.checkpoint_id > 0 AND s.checkpoint_id = base.checkpoint_id
      UNION ALL
      -- Between the two instants: in one set by its event and not in the other, or in neither or both by its recording.
      SELECT e.account_id, e.qty * (
               (e.event_at <= p_instant AND e.recorded_at <= known AND e.posting_id <= p_last)::int
               - (e.event_at < base.event_before AND e.recorded_at <= base.recorded_until
                  AND e.posting_id <= base.through_posting_id)::int)
        FROM entry e
       WHERE e.event_at BETWEEN least(p_instant, base.event_before) AND greatest(p_instant, base.event_before)
         AND e.recorded_at <= greatest(known, base.recorded_until)
      UNION ALL
      -- Before both instants: in both sets by its event, and in one by its recording.
      SELECT l.account_id, l.qty
        FROM stock_late(least(p_instant, base.event_before), known, p_last, base.recorded_until,
                        base.through_posting_id) l
    ) x GROUP BY x.account_id HAVING sum(x.qty) <> 0;
END $$;

-- Writes the checkpoint of all events before `p_before` that were recorded until `p_until`. Returns its id; NULL where
-- there is one already, or where a posting is under way that does not end in a few seconds: the job asks again later.
CREATE OR REPLACE FUNCTION stock_make_checkpoint(p_before timestamptz, p_until timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET work_mem = '64MB' SET jit = off AS $$
DECLARE
  through bigint; mine xid8; made bigint; counted bigint;
  give_up_at timestamptz := clock_timestamp() + interval '5 seconds';
BEGIN
  IF NOT app_sees_all() THEN
    RAISE EXCEPTION 'a checkpoint counts the stock of all companies' USING ERRCODE = 'DT003';
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('stock_checkpoint', app_tenant())) THEN RETURN NULL; END IF;
  IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
    RAISE EXCEPTION 'a checkpoint is made in a transaction that has written nothing' USING ERRCODE = 'DT003';
  END IF;
  -- A posting takes its number after its transaction got an id. So every number up to `through` belongs to a
  -- transaction older than this one; once all of those have ended, what they wrote is seen below, and no more comes.
  SELECT last_value INTO through FROM posting_id_seq;
  mine := pg_current_xact_id();
  WHILE pg_snapshot_xmin(pg_current_snapshot()) < mine LOOP
    IF clock_timestamp() > give_up_at THEN RETURN NULL; END IF;
    PERFORM pg_sleep(0.02);
  END LOOP;
  IF EXISTS (SELECT 1 FROM stock_checkpoint WHERE tenant_id = app_tenant() AND event_before = p_before) THEN
    RETURN NULL;
  END IF;
  made := nextval('stock_checkpoint_id_seq');
  -- From the nearest starting point that stands, not from itself: its own row is written last.
  INSERT INTO stock_checkpoint_sum (checkpoint_id, account_id, owner_id, qty)
  SELECT made, x.account_id, a.owner_id, x.qty
    FROM stock_sums_at(p_before - interval '1 microsecond', p_until, true, through) x
    JOIN account a ON a.id = x.account_id ORDER BY x.account_id;
  GET DIAGNOSTICS counted = ROW_COUNT;
  INSERT INTO stock_checkpoint (id, event_before, recorded_until, through_posting_id, first_event_at, accounts)
  SELECT made, p_before, p_until, through, min(event_at), counted FROM posting WHERE tenant_id = app_tenant();
  RETURN made;
END $$;
