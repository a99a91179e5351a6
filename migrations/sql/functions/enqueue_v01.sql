-- One statement, so that jobs and rows are seen in one snapshot: every missing key that is in
-- no live job and in no failure. The lock comes in a statement before it: within the same
-- one, two calls at a time would queue everything twice.
create function wikiembed.enqueue(
  p_source text, p_max_chunks bigint default null, p_batch_size integer default null,
  p_dry_run boolean default false
) returns table (jobs bigint, chunks bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set work_mem = '64MB'
set jit = off
as $$
declare
  v_source wikiembed.sources;
begin
  perform wikiembed_private.require_read_committed();
  if p_batch_size not between 1 and 4096 or p_max_chunks < 0 then
    raise exception 'a batch has 1 to 4096 chunks and max_chunks is not negative'
      using errcode = 'WE010', hint = format('Got batch size %s, max chunks %s.', p_batch_size, p_max_chunks);
  end if;
  perform wikiembed_private.lock_source(p_source);
  v_source := wikiembed_private.get_source(p_source);
  perform wikiembed_private.require_table(v_source);
  return query execute wikiembed_private.fill(v_source, $sql$
    with live as materialized (
      select k.key collate "C" as key
        from wikiembed_queue.procrastinate_jobs as j,
             jsonb_array_elements_text(
               case jsonb_typeof(j.args -> 'keys') when 'array' then j.args -> 'keys' else '[]' end) as k (key)
       where j.queue_name = %7$L and j.task_name = 'wikiembed.embed' and j.status in ('todo', 'doing')
    ), missing as (
      select t.%3$I as key
        from %2$s as t
       where t.%5$I is null
         and not exists (select from live as l where l.key = t.%3$I::text collate "C")
         and not exists (select from wikiembed.failures as f
                          where f.source = %1$L and f.key = t.%3$I::text collate "C")
       order by t.%3$I
       limit $1
    ), batches as (
      select n.batch, count(*) as chunks,
             row(%7$L, 'wikiembed.embed', 0, null, null,
                 jsonb_build_object('source', %1$L, 'keys', jsonb_agg(n.key)), null
             )::wikiembed_queue.procrastinate_job_to_defer_v1 as job
        from (select m.key::text as key, (row_number() over (order by m.key) - 1) / $2 as batch
                from missing as m) as n
       group by n.batch
    ), slices as (
      select sum(b.chunks)::bigint as chunks, array_agg(b.job order by b.batch) as jobs
        from batches as b group by b.batch / 256 order by min(b.batch)
    )
    select coalesce(sum(
             case when $3 then cardinality(s.jobs)
                  else cardinality(wikiembed_queue.procrastinate_defer_jobs_v1(s.jobs)) end
           ), 0)::bigint,
           coalesce(sum(s.chunks), 0)::bigint
      from slices as s
  $sql$) using p_max_chunks, coalesce(p_batch_size, v_source.batch_size), coalesce(p_dry_run, false);
end;
$$;
comment on function wikiembed.enqueue(text, bigint, integer, boolean) is
  'Queues every missing chunk that waits in no job and in no failure; answers jobs and chunks; a second call adds none. Raises WE001, WE008, WE010.';
