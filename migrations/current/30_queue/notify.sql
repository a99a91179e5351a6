create or replace function wikiembed_private.notify_workers(p_queue text) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select pg_notify('procrastinate_queue_v1#' || p_queue, '{"type":"job_inserted","job_id":0}'),
         pg_notify('procrastinate_any_queue_v1', '{"type":"job_inserted","job_id":0}');
$$;
comment on function wikiembed_private.notify_workers(text) is
  'Notifies the workers of one queue and those of all queues, in procrastinate''s format.';

-- After insert of jobs, each statement. At most one notification per queue and 20 ms: a worker finds the
-- jobs that were not notified because it fetches again 20, 50 and 100 ms after each notification. A
-- statement's jobs are nearly always of one queue. They are counted here (counts.sql). The events of all tasks but wikiembed.embed are written
-- here too: a row trigger, even with a condition, costs every statement as much as a job.
-- The insert triggers of sources notify by themselves, and set a setting for the one statement that inserts
-- their jobs. To return new, which is null here, costs a statement less than null does: no expression is
-- prepared for it.
create or replace function wikiembed_private.notify_throttled() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue text;
  v_last text;
  v_others boolean;
  v_clock regclass;
  v_now_ms bigint;
begin
  if current_setting('wikiembed.notifies_itself', true) = 'on'
     and set_config('wikiembed.notifies_itself', 'off', true) = 'off' then
    return new;
  end if;
  select min(j.queue_name collate "C") filter (where j.scheduled_at is null or j.scheduled_at <= clock_timestamp()),
         max(j.queue_name collate "C") filter (where j.scheduled_at is null or j.scheduled_at <= clock_timestamp()),
         bool_or(j.task_name not in ('wikiembed.embed', 'wikiembed.split'))
    into v_queue, v_last, v_others
    from new_jobs as j
   where j.status = 'todo';
  insert into wikiembed_private.queue_ledger (jobs, chunks, queue_name)
  select count(*) filter (where j.status = 'doing' or j.scheduled_at is null),
         sum(wikiembed_private.chunks_of_job(j.task_name, j.args)), j.queue_name
    from new_jobs as j
   where j.status in ('todo', 'doing')
   group by j.queue_name;
  if v_others then
    insert into wikiembed_queue.procrastinate_events (job_id, type)
    select j.id, 'deferred' from new_jobs as j where j.status = 'todo' and j.task_name not in ('wikiembed.embed', 'wikiembed.split');
    insert into wikiembed_queue.procrastinate_events (job_id, type, at)
    select j.id, 'scheduled', j.scheduled_at from new_jobs as j
     where j.status = 'todo' and j.task_name not in ('wikiembed.embed', 'wikiembed.split') and j.scheduled_at is not null;
  end if;
  while v_queue is not null loop
    v_clock := coalesce(
      to_regclass('wikiembed_private.' || quote_ident('clock_' || v_queue)),
      'wikiembed_private.clock'::regclass);
    v_now_ms := (extract(epoch from clock_timestamp()) * 1000)::bigint;
    if abs(v_now_ms - coalesce(pg_sequence_last_value(v_clock), 0)) >= 20 then
      perform setval(v_clock, v_now_ms);
      perform wikiembed_private.notify_workers(v_queue);
    end if;
    exit when v_queue = v_last;
    select min(j.queue_name collate "C") into v_queue
      from new_jobs as j
     where j.queue_name collate "C" > v_queue
       and j.status = 'todo' and (j.scheduled_at is null or j.scheduled_at <= clock_timestamp());
  end loop;
  return null;
end;
$$;
comment on function wikiembed_private.notify_throttled() is
  'Notifies the workers of queues with new jobs, at most once per 20 ms and queue; counts the jobs, and writes the events of those that are not embed jobs.';

create or replace trigger wikiembed_notify_workers
  after insert on wikiembed_queue.procrastinate_jobs
  referencing new table as new_jobs
  for each statement execute function wikiembed_private.notify_throttled();
comment on trigger wikiembed_notify_workers on wikiembed_queue.procrastinate_jobs is
  'Notifies workers, at most once per 20 ms and queue.';
