create function wikiembed.check_invariants(p_source text default null)
returns table (name text, violations bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_source wikiembed.sources;
  v_counts bigint[];
  v_sums bigint[] := array[0, 0, 0, 0, 0];
begin
  if p_source is not null and not exists (select from wikiembed.sources as s where s.name = p_source) then
    raise exception 'no source is named "%"', p_source
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  for v_source in select s.* from wikiembed.sources as s where p_source is null or s.name = p_source loop
    continue when wikiembed_private.is_gone(v_source);
    v_counts := wikiembed_private.count_violations(v_source);
    v_sums := array(select v_sums[i] + v_counts[i] from generate_series(1, 5) as i);
  end loop;
  return query values
    ('every missing row waits in a job, in failures or is skipped', v_sums[1]),
    ('every stored vector belongs to the row''s text', v_sums[2]),
    ('the ledger''s sums equal the counts of the table', v_sums[3]),
    ('no row is both embedded and in failures', v_sums[4]),
    ('no live job names a source that does not exist', (
      select count(*) from wikiembed_queue.procrastinate_jobs as j
       where j.task_name = 'wikiembed.embed' and j.status in ('todo', 'doing')
         and not exists (select from wikiembed.sources as s where s.name = j.args ->> 'source'))),
    ('every chunk that is marked as truncated has a vector', v_sums[5]);
end;
$$;
comment on function wikiembed.check_invariants(text) is
  'The six invariants and how many rows break each; the second is proved only where sources.prove_function is set. Reads whole tables. Raises WE001.';
