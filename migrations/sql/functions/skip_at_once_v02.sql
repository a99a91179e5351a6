-- Chunk before failure, as everybody does who holds both; whoever holds either makes it end.
create function wikiembed_private.skip_at_once(p_source text, p_keys text[], p_why text) returns bigint
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
    execute wikiembed_private.fill(v_source, 'select array_agg(k::text) from unnest($1::%6$s[]) as k')
       into p_keys using p_keys;
  exception when invalid_text_representation or numeric_value_out_of_range then
    raise exception 'a key does not fit source "%": %', p_source, sqlerrm
      using errcode = 'WE010', hint = format('Its keys are of type %s.', v_source.key_type);
  end;
  execute wikiembed_private.fill(v_source, $sql$
    select array_agg(h.key) from (
      select t.%3$I::text as key from %2$s as t
       where t.%3$I = any ($1::%6$s[]) and num_nulls(t.%5$I) = 1
       order by t.%3$I for no key update of t nowait) as h
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
comment on function wikiembed_private.skip_at_once(text, text[], text) is
  'Skips these missing chunks without waiting for a row; answers how many. Raises 55P03 when somebody holds one, WE001, WE010.';
