-- For metrics, which are read every few seconds: counting stops at a bound, as in queue_by_priority.
create or replace function wikiembed.queue_states(p_most integer default 10000)
returns table (source text, state text, jobs bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select s.name, c.state, c.jobs
    from wikiembed.sources as s
   cross join lateral (
     with waiting as materialized (
       select q.priority, q.jobs from wikiembed.queue_by_priority(s.name, p_most) as q
     )
     select 'todo', coalesce(sum(w.jobs), 0)::bigint from waiting as w where w.priority is not null
      union all
     select 'scheduled', coalesce(sum(w.jobs), 0)::bigint from waiting as w where w.priority is null
      union all
     select 'doing', count(*) from wikiembed_queue.procrastinate_jobs as j
      where j.queue_name = s.queue_name and j.status = 'doing'
   ) as c (state, jobs)
   order by s.name, c.state;
$$;
comment on function wikiembed.queue_states(integer) is
  'Three rows per source: its jobs that can begin (todo), that wait for a time (scheduled) and that a worker has (doing); those that wait are counted up to p_most of each priority, so that it takes as long for millions of jobs as for few.';
