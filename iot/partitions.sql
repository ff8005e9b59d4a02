-- Tables of events by week. Owner's routines: the product's login may neither make nor drop a table.
--
-- An event's id says its week: weeks since 1970 * 100,000,000,000 + a number of the sequence. So the id alone is the
-- key of a table that is divided by time, what refers to an id finds its week at once, and ids still grow with time.
-- (The number begins again after a hundred thousand million: at 1,000 events a second that is after three years.)
-- The pieces stand in the schema "weeks": {table}_{first day}, {table}_before (what was there when weeks began) and
-- {table}_default, which takes what has no week yet, so that nothing is ever refused.

CREATE OR REPLACE FUNCTION key_digest(tenant bigint, source text, key text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT encode(substr(sha256(convert_to(tenant || ' ' || length(source) || ' ' || source || ' ' || key, 'UTF8')), 1, 16),
                'hex')::uuid
$$;

CREATE OR REPLACE FUNCTION event_week(at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT floor(extract(epoch FROM at) / 604800)::bigint * 100000000000
$$;

CREATE OR REPLACE FUNCTION new_inbox_id() RETURNS bigint
LANGUAGE sql VOLATILE AS $$
  SELECT (date_part('epoch', clock_timestamp())::bigint / 604800) * 100000000000 + nextval('inbox_id_seq')
$$;

CREATE OR REPLACE FUNCTION new_reading_id() RETURNS bigint
LANGUAGE sql VOLATILE AS $$
  SELECT (date_part('epoch', clock_timestamp())::bigint / 604800) * 100000000000 + nextval('reading_id_seq')
$$;

-- The pieces of the tables of events; low and high as bounds of their ids (high excluded).
CREATE OR REPLACE FUNCTION event_weeks() RETURNS TABLE (parent text, piece text, low bigint, high bigint)
LANGUAGE sql STABLE AS $$
  SELECT p.relname::text, c.relname::text,
         coalesce((regexp_match(b.bound, 'FROM \(''(\d+)''\)'))[1]::bigint, 0),
         (regexp_match(b.bound, 'TO \(''(\d+)''\)'))[1]::bigint
  FROM pg_inherits i
  JOIN pg_class p ON p.oid = i.inhparent AND p.relnamespace = 'public'::regnamespace
  JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r' AND c.relnamespace = 'weeks'::regnamespace
  CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
  WHERE b.bound <> 'DEFAULT' AND NOT i.inhdetachpending
  ORDER BY 1, 3
$$;

-- Make the running week and the next ones; say how many were made. Never waits long for a lock: call it again.
CREATE OR REPLACE FUNCTION make_weeks(ahead int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  step CONSTANT bigint := 100000000000;
  running CONSTANT bigint := event_week(clock_timestamp());
  made int := 0;
  base bigint;
  tbl text;
  fresh text;
  spare text;
  waiting boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('dongting weeks', 0));
  PERFORM set_config('lock_timeout', '100ms', true);
  FOREACH tbl IN ARRAY ARRAY['inbox', 'reading'] LOOP
    spare := tbl || '_default';
    FOR n IN 0 .. ahead LOOP
      base := running + n * step;
      CONTINUE WHEN EXISTS (SELECT FROM event_weeks() w WHERE w.parent = tbl AND w.low <= base AND w.high > base);
      fresh := tbl || '_' || to_char(to_timestamp(base / step * 604800) AT TIME ZONE 'UTC', 'YYYYMMDD');
      EXECUTE format('CREATE TABLE weeks.%I (LIKE public.%I INCLUDING ALL)', fresh, tbl);
      EXECUTE format('SELECT EXISTS (SELECT FROM weeks.%I WHERE id >= $1 AND id < $2)', spare)
        INTO waiting USING base, base + step;
      IF waiting THEN  -- nobody called this for weeks: what came meanwhile moves to its own week
        EXECUTE format('LOCK TABLE weeks.%I IN ACCESS EXCLUSIVE MODE', spare);
        EXECUTE format('INSERT INTO weeks.%I SELECT * FROM weeks.%I WHERE id >= $1 AND id < $2', fresh, spare)
          USING base, base + step;
        EXECUTE format('DELETE FROM weeks.%I WHERE id >= $1 AND id < $2', spare) USING base, base + step;
      END IF;
      EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION weeks.%I FOR VALUES FROM (%L) TO (%L)',
                     tbl, fresh, base, base + step);
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;

-- The ids of a kind ('reading' or 'inbox') that anything of the installation refers to: every column of that name.
CREATE OR REPLACE FUNCTION referred_ids(kind text, low bigint, high bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
  place record;
BEGIN
  FOR place IN
    SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
      AND a.attname ~ ('(^|_)' || kind || '_id$') AND a.atttypid = 'bigint'::regtype
      AND c.relname NOT IN ('inbox', 'inbox_key', 'inbox_kept', 'inbox_conflict', 'dead_letter', 'reading',
                            'reading_key', 'reading_kept')
  LOOP
    RETURN QUERY EXECUTE format('SELECT %2$I FROM public.%1$I WHERE %2$I >= $1 AND %2$I < $2',
                                place.relname, place.attname) USING low, high;
  END LOOP;
END $$;

-- The columns of a table in a list, for copying them to its like.
CREATE OR REPLACE FUNCTION columns_of(tbl text) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
  WHERE attrelid = to_regclass('public.' || quote_ident(tbl)) AND attnum > 0 AND NOT attisdropped
$$;

-- Of a piece that is to go: copy what somebody refers to. Says how many rows were copied; twice copies nothing more.
CREATE OR REPLACE FUNCTION keep_referred(piece text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  week record;
  wanted text := ' SELECT referred_ids(''reading'', $1, $2)';
  n bigint;
BEGIN
  SELECT * INTO STRICT week FROM event_weeks() w WHERE w.piece = keep_referred.piece;
  IF week.parent = 'inbox' THEN
    wanted := ' SELECT referred_ids(''inbox'', $1, $2)'
      ' UNION ALL SELECT inbox_id FROM reading_kept WHERE inbox_id >= $1 AND inbox_id < $2'
      ' UNION ALL SELECT inbox_id FROM reading WHERE inbox_id >= $1 AND inbox_id < $2'
      '   AND id IN (SELECT referred_ids(''reading'', $1, 9223372036854775807))';
  END IF;
  EXECUTE format(
    'INSERT INTO %1$I (%2$s) SELECT %2$s FROM weeks.%3$I WHERE tenant_id = app_tenant() AND id IN (%4$s)'
    ' ON CONFLICT DO NOTHING',
    week.parent || '_kept', columns_of(week.parent || '_kept'), week.piece, wanted) USING week.low, week.high;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;

-- Of a piece that is to go: forget the keys of its next rows after an id. Says the last id looked at, null at the end.
CREATE OR REPLACE FUNCTION forget_keys(piece text, after bigint, batch int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  week record;
  last bigint;
BEGIN
  SELECT * INTO STRICT week FROM event_weeks() w WHERE w.piece = forget_keys.piece;
  EXECUTE format(
    'WITH gone AS (SELECT id, tenant_id, source, %2$I AS key FROM weeks.%1$I WHERE id > $1 ORDER BY id LIMIT $2),'
    ' forgotten AS (DELETE FROM %3$I k USING gone WHERE gone.tenant_id = app_tenant()'
    '   AND k.digest = key_digest(gone.tenant_id, gone.source, gone.key) AND k.%4$I = gone.id)'
    ' SELECT max(id) FROM gone',
    week.piece, CASE week.parent WHEN 'inbox' THEN 'message_key' ELSE 'reading_key' END,
    week.parent || '_key', week.parent || '_id') INTO last USING after, batch;
  RETURN last;
END $$;

-- Of a piece that is to go: forget letters and conflicts of messages that are not kept. Says how many.
CREATE OR REPLACE FUNCTION forget_letters(piece text, batch int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  week record;
  letters bigint;
  conflicts bigint;
BEGIN
  SELECT * INTO STRICT week FROM event_weeks() w WHERE w.piece = forget_letters.piece AND w.parent = 'inbox';
  DELETE FROM dead_letter WHERE id IN (
    SELECT id FROM dead_letter d WHERE tenant_id = app_tenant() AND inbox_id >= week.low AND inbox_id < week.high
      AND NOT EXISTS (SELECT FROM inbox_kept k WHERE k.id = d.inbox_id) LIMIT batch);
  GET DIAGNOSTICS letters = ROW_COUNT;
  DELETE FROM inbox_conflict WHERE id IN (
    SELECT id FROM inbox_conflict c WHERE tenant_id = app_tenant() AND inbox_id >= week.low AND inbox_id < week.high
      AND NOT EXISTS (SELECT FROM inbox_kept k WHERE k.id = c.inbox_id) LIMIT batch);
  GET DIAGNOSTICS conflicts = ROW_COUNT;
  RETURN letters + conflicts;
END $$;

-- Drop a piece whose week ended before a day, if everything that is referred to was copied. Waits at most 50 ms for
-- each of its locks (the caller tries again), so that nobody who stores events waits longer.
CREATE OR REPLACE FUNCTION drop_week(piece text, ended_before timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  week record;
BEGIN
  SELECT * INTO STRICT week FROM event_weeks() w WHERE w.piece = drop_week.piece;
  IF week.high > event_week(least(ended_before, clock_timestamp() - interval '7 days')) THEN
    RAISE EXCEPTION 'the week of % has not ended before %', piece, ended_before USING ERRCODE = 'check_violation';
  END IF;
  IF keep_referred(piece) > 0 THEN
    RAISE EXCEPTION 'rows of % are referred to and were not kept', piece USING ERRCODE = 'foreign_key_violation';
  END IF;
  PERFORM set_config('lock_timeout', '50ms', true);
  EXECUTE format('ALTER TABLE public.%I DETACH PARTITION weeks.%I', week.parent, week.piece);
  EXECUTE format('DROP TABLE weeks.%I', week.piece);
END $$;

-- Forget kept rows whose own period is over, some at a time. Says how many.
CREATE OR REPLACE FUNCTION forget_kept(recorded_before timestamptz, batch int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  readings bigint;
  messages bigint;
BEGIN
  DELETE FROM reading_kept WHERE id IN (
    SELECT k.id FROM reading_kept k WHERE k.tenant_id = app_tenant() AND k.id < event_week(recorded_before)
    AND k.recorded_at < recorded_before
    ORDER BY id LIMIT batch);
  GET DIAGNOSTICS readings = ROW_COUNT;
  DELETE FROM inbox_kept WHERE id IN (
    SELECT k.id FROM inbox_kept k WHERE k.tenant_id = app_tenant() AND k.id < event_week(recorded_before)
    AND k.recorded_at < recorded_before
    ORDER BY id LIMIT batch);
  GET DIAGNOSTICS messages = ROW_COUNT;
  RETURN readings + messages;
END $$;

REVOKE ALL ON FUNCTION make_weeks, keep_referred, forget_keys, forget_letters, drop_week, forget_kept FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_weeks, keep_referred, forget_keys, forget_letters, drop_week, forget_kept
  TO dongting_app;
