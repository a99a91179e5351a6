-- Sums of the jobs of each queue, so that views queue and coverage need not count millions: deltas, as in the
-- ledger, written in the transaction of the change, so that a snapshot's sum is the number of its jobs, and no two
-- writers wait for one counter. Jobs are those that can begin at once and those that a worker has, so that a fetch,
-- which makes one of the other, writes nothing; chunks are those of all live jobs, since a job that waits for a time
-- has queued its chunks too. Inserts are counted by notify_throttled,
-- or by the source's own insert trigger, updates by enforce_pause.
create or replace function wikiembed_private.chunks_of_job(p_task text, p_args jsonb) returns integer
language sql immutable parallel safe
return case when p_task = 'wikiembed.embed' and jsonb_typeof(p_args -> 'keys') = 'array'
            then jsonb_array_length(p_args -> 'keys') else 0 end;
comment on function wikiembed_private.chunks_of_job(text, jsonb) is
  'The number of chunks that a job embeds; 0 for other tasks and malformed arguments.';

create or replace function wikiembed_private.count_deleted_jobs() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into wikiembed_private.queue_ledger (jobs, chunks, queue_name)
  select -count(*) filter (where j.status = 'doing' or j.scheduled_at is null),
         -sum(wikiembed_private.chunks_of_job(j.task_name, j.args)), j.queue_name
    from old_jobs as j
   where j.status in ('todo', 'doing')
   group by j.queue_name;
  return old;
end;
$$;
comment on function wikiembed_private.count_deleted_jobs() is
  'Subtracts deleted jobs from the sums of their queues.';

create or replace trigger wikiembed_count_deleted
  after delete on wikiembed_queue.procrastinate_jobs
  referencing old table as old_jobs
  for each statement execute function wikiembed_private.count_deleted_jobs();
comment on trigger wikiembed_count_deleted on wikiembed_queue.procrastinate_jobs is
  'Subtracts deleted jobs from the sums of their queues.';

-- The truncate's lock excludes every other transaction that would write a row.
create or replace function wikiembed_private.count_truncated_jobs() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from wikiembed_private.queue_ledger;
  return null;
end;
$$;
comment on function wikiembed_private.count_truncated_jobs() is
  'Sets the sums of all queues to 0.';

create or replace trigger wikiembed_count_truncated
  after truncate on wikiembed_queue.procrastinate_jobs
  for each statement execute function wikiembed_private.count_truncated_jobs();
comment on trigger wikiembed_count_truncated on wikiembed_queue.procrastinate_jobs is
  'Sets the sums of all queues to 0.';

-- One statement, as fold_ledger, of rows of any age, since no view shows when a job came.
create or replace function wikiembed_private.fold_queue() returns void
language sql volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with d as (
    delete from wikiembed_private.queue_ledger returning jobs, chunks, queue_name
  )
  insert into wikiembed_private.queue_ledger (jobs, chunks, queue_name)
  select sum(d.jobs), sum(d.chunks), d.queue_name
    from d group by d.queue_name having sum(d.jobs) <> 0 or sum(d.chunks) <> 0;
$$;
comment on function wikiembed_private.fold_queue() is
  'Folds the rows of queue_ledger to one per queue.';

-- Counting and summing in one statement, as correct_ledger.
create or replace function wikiembed_private.correct_queue(p_queue text) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  insert into wikiembed_private.queue_ledger (jobs, chunks, queue_name)
  select c.jobs - l.jobs, c.chunks - l.chunks, p_queue
    from (select count(*) filter (where j.status = 'doing' or j.scheduled_at is null) as jobs,
                 coalesce(sum(wikiembed_private.chunks_of_job(j.task_name, j.args)), 0)::bigint as chunks
            from wikiembed_queue.procrastinate_jobs as j
           where j.queue_name = p_queue and j.status in ('todo', 'doing')) as c,
         (select coalesce(sum(l.jobs), 0)::bigint as jobs, coalesce(sum(l.chunks), 0)::bigint as chunks
            from wikiembed_private.queue_ledger as l
           where l.queue_name = p_queue) as l
   where c.jobs <> l.jobs or c.chunks <> l.chunks;
$$;
comment on function wikiembed_private.correct_queue(text) is
  'Corrects the sums of a queue''s jobs and chunks to their numbers, after changes that bypassed the triggers.';
