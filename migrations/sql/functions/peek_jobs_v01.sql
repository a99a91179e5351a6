-- Looks and locks nothing. Each queue is read from its own head, so that the jobs of others, of a
-- paused source too, cost nothing; those whose time has not come are in another index than those
-- that could begin at once. Of more than 256 whose time has come, those that waited longest count.
-- The range of one name asks for an order that only jobs_by_queue has: the index of all queues
-- would be read to the end of whatever stands before.
create function wikiembed_private.peek_jobs(
  p_queues character varying[], p_most integer, out job_ids bigint[], out chunks integer[]
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
begin
  select array_agg(f.id), array_agg(
           case jsonb_typeof(f.args -> 'keys') when 'array' then jsonb_array_length(f.args -> 'keys') else 1 end)
    into job_ids, chunks
    from (
      select h.id, h.args
        from (select distinct n.name from unnest(p_queues) as n (name)) as q
       cross join lateral (
         (select j.id, j.priority, j.args
            from wikiembed_queue.procrastinate_jobs as j
           where j.status = 'todo' and j.scheduled_at is null
             and j.queue_name >= q.name and j.queue_name <= q.name
             and (j.lock is null or wikiembed_private.may_lock(j))
           order by j.queue_name, j.priority desc, j.id
           limit p_most)
         union all
         (select j.id, j.priority, j.args
            from wikiembed_queue.procrastinate_jobs as j
           where j.status = 'todo' and j.scheduled_at is not null and j.scheduled_at <= now()
             and j.queue_name = q.name
             and (j.lock is null or wikiembed_private.may_lock(j))
           order by j.scheduled_at
           limit greatest(p_most, 256))
       ) as h
       order by h.priority desc, h.id
       limit p_most
    ) as f;
end;
$$;
comment on function wikiembed_private.peek_jobs(character varying[], integer) is
  'Numbers of the jobs that these queues would give next, in order, and how many chunks each has.';
