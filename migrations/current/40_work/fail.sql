-- The values of failures.error_class that wikiembed writes; a test compares the list with enum
-- ErrorClass of the package.
create or replace function wikiembed_private.error_classes() returns text[]
language sql immutable parallel safe
return array['text_too_long', 'text_too_large', 'timeout', 'no_answer', 'bad_answer', 'refused', 'rejected',
             'document_unreadable', 'write_refused', 'worker_lost', 'internal_error', 'empty_text',
             'skipped_by_operator'];
comment on function wikiembed_private.error_classes() is
  'Returns the error classes that wikiembed writes into failures.';

-- Compare and set as well: the chunk's row first, then its failure, in key order. Chunks that an operator
-- skipped while the batch was in flight stay skipped. Each key is looked up by itself, as in store.sql.
create or replace function wikiembed_private.generate_fail(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@fail@(
      p_keys text[], p_versions bigint[], p_error_class text, p_message text,
      p_http_status integer, p_attempts integer, p_job_id bigint, p_state text, p_attempt integer)
    returns table (key text, outcome text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_held text[];
    begin
      lock table only @table@ in row exclusive mode;
      select s.generation into v_generation from wikiembed.sources as s
       where s.name = @source@ for key share skip locked;
      if not found then
        if not exists (select from wikiembed.sources as s where s.name = @source@) then
          return query select k, 'gone'::text from unnest(p_keys) as k;
          return;
        end if;
        perform wikiembed_private.requeue(@source@, p_keys, p_attempt);
        return query select k, 'locked'::text from unnest(p_keys) as k;
        return;
      end if;
      select array_agg(h.key) into v_held
        from (
          select h.key
            from (
              select g.key, g.version from unnest(@typed_keys(p_keys)@, p_versions) as g (key, version) order by g.key
            ) as g
           cross join lateral (
             select @key_of(t)@ as key from @table@ as t
              where @is_key(t, g.key)@ and num_nulls(t.@embedding@) = 1
                and hashtextextended(@text_of(t)@ collate "C", v_generation) is not distinct from g.version
                for no key update of t skip locked
           ) as h
        ) as h;
      insert into wikiembed.failures as f
        (source, key, state, error_class, http_status, message, attempts, job_id)
      select distinct on (k collate "C")
             @source@, k, p_state, p_error_class, p_http_status, left(p_message, 1000), p_attempts, p_job_id
        from unnest(v_held) as k
       order by k collate "C"
          on conflict on constraint failures_pkey do update
             set state = excluded.state, error_class = excluded.error_class,
                 http_status = excluded.http_status, message = excluded.message,
                 attempts = f.attempts + excluded.attempts, last_at = excluded.last_at,
                 job_id = excluded.job_id
           where f.state = 'failed' or excluded.state = 'skipped';
      return query select o.key, o.outcome
        from wikiembed_private.@outcomes@(p_keys, p_versions, v_generation, v_held, null, p_attempt, 'recorded') as o;
    end;
    $body$
  $template$);
end;
$$;
comment on function wikiembed_private.generate_fail(wikiembed.sources) is
  'Generates the function that records a source''s failures.';

create or replace function wikiembed.record_failures(
  p_source text, p_keys text[], p_versions bigint[], p_error_class text, p_message text default '',
  p_http_status integer default null, p_attempts integer default 1, p_job_id bigint default null,
  p_state text default 'failed', p_attempt integer default 0
) returns table (key text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if cardinality(p_keys) <> cardinality(p_versions) then
    raise exception 'keys and versions differ in length'
      using errcode = 'WE010', hint = format('Got %s and %s.', cardinality(p_keys), cardinality(p_versions));
  end if;
  if not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  return query execute
    format('select * from wikiembed_private.%I($1, $2, $3, $4, $5, $6, $7, $8, $9)', 'fail_' || p_source)
    using p_keys, p_versions, p_error_class, coalesce(p_message, ''), p_http_status, p_attempts, p_job_id,
          p_state, p_attempt;
end;
$$;
comment on function wikiembed.record_failures(
  text, text[], bigint[], text, text, integer, integer, bigint, text, integer) is
  'Records a failure of each row that is still null with that version; returns for each key: recorded, stale, locked (requeued) or gone. Raises WE001, WE010.';
