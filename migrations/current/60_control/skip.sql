-- Locks the chunk before the failure, as every function that locks both; fails if either is locked.
create or replace function wikiembed_private.skip_nowait(p_source text, p_keys text[], p_why text) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_seqscan = off
set jit = off
as $$
declare
  v_source wikiembed.sources;
  v_keys text[];
begin
  perform wikiembed_private.lock_source(p_source);
  v_source := wikiembed_private.get_source(p_source);
  perform wikiembed_private.require_table(v_source);
  begin
    execute wikiembed_private.render_template(v_source, 'select array_agg(@canonical_key(k)@) from unnest($1) as k')
       into p_keys using p_keys;
  exception when invalid_text_representation or numeric_value_out_of_range then
    if exists (select from wikiembed.document_sources as d where d.source = p_source collate "default") then
      raise exception 'skip takes keys of chunks of source "%", which are of type %, not those of documents', p_source, v_source.key_type
        using errcode = 'WE010',
              hint = format('A document that cannot be split is corrected or deleted, then run `wikiembed retry %s`.', p_source);
    end if;
    raise exception 'a key does not fit source "%": %', p_source, sqlerrm
      using errcode = 'WE010', hint = format('Its keys are of type %s.', v_source.key_type);
  end;
  execute wikiembed_private.render_template(v_source, $sql$
    select array_agg(h.key) from (
      select @key_of(t)@ as key from @table@ as t
       where @has_key(t, $1)@ and num_nulls(t.@embedding@) = 1
       order by @order_by(t)@ for no key update of t nowait) as h
  $sql$) into v_keys using p_keys;
  perform 1
     from (select k.key collate "C" as key from unnest(v_keys) as k (key) order by 1) as a
    cross join lateral (
      select from wikiembed.failures as f
       where f.source = p_source collate "default" and f.key = a.key
         for update nowait) as h;
  insert into wikiembed_private.ended_failures
    (source, key, error_class, http_status, message, attempts, first_at, last_at, how)
  select f.source, f.key, f.error_class, f.http_status, f.message, f.attempts, f.first_at, f.last_at, 'skipped'
    from unnest(v_keys) as k (key)
   cross join lateral (
     select f.* from wikiembed.failures as f
      where f.source = p_source collate "default" and f.key = k.key collate "C" and f.state = 'failed'
     offset 0) as f;
  insert into wikiembed.failures as f (source, key, state, error_class, message, attempts)
  select p_source, k, 'skipped', 'skipped_by_operator', p_why, 0 from unnest(v_keys) as k order by k collate "C"
      on conflict (source, key) do update
         set state = excluded.state, error_class = excluded.error_class, message = excluded.message,
             last_at = excluded.last_at;
  return coalesce(cardinality(v_keys), 0);
end;
$$;
comment on function wikiembed_private.skip_nowait(text, text[], text) is
  'Skips these missing chunks without waiting for a row; returns the number. Raises 55P03 when another transaction has locked one, WE001, WE010.';

-- All or nothing, since the operator named the chunks. It never waits for a row while it has locked
-- another one, which could deadlock with a user's transaction: one try is one subtransaction, whose
-- rollback releases all its locks, the source's too; it sleeps while holding none.
create or replace function wikiembed_private.skip_with_timeout(
  p_source text, p_keys text[], p_why text, p_limit interval
) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz := clock_timestamp() + p_limit;
  v_skipped bigint;
begin
  perform wikiembed_private.require_read_committed();
  loop
    begin
      v_skipped := wikiembed_private.skip_nowait(p_source, p_keys, coalesce(p_why, ''));
      exit;
    exception when lock_not_available then
      if clock_timestamp() > v_until then
        raise exception 'another transaction has locked chunks of source "%" that are to be skipped', p_source
          using errcode = 'lock_not_available',
                hint = 'None was skipped: run it again when that transaction has ended.';
      end if;
    end;
    perform pg_sleep(0.05);
  end loop;
  if v_skipped > 0 then
    perform wikiembed_private.log_action('skip', p_source, p_why, jsonb_build_object('chunks', v_skipped));
  end if;
  return v_skipped;
end;
$$;
comment on function wikiembed_private.skip_with_timeout(text, text[], text, interval) is
  'Skips these missing chunks, or none when another transaction has locked one for longer than the limit; returns the number. Raises 55P03, WE001, WE008, WE010.';

-- The limit is set here, so that no caller waits without one.
create or replace function wikiembed.skip(p_source text, p_keys text[], p_why text default null) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
as $$
begin
  return wikiembed_private.skip_with_timeout(p_source, p_keys, p_why, interval '10 s');
end;
$$;
comment on function wikiembed.skip(text, text[], text) is
  'Marks missing chunks as skipped, all of these keys or none: they do not count as missing and no worker embeds them; returns the number of chunks, without keys that do not exist or have their vector. Raises 55P03 when another transaction has locked one for more than 10 s, WE001, WE008, WE010.';
