-- The pause gate: the fetch of a paused source's job, by any worker, returns nothing. For other jobs it records that
-- they begin now. An update that records it has checked the pause
-- itself, and changes no sum: fetch_jobs. In the same trigger is whatever else an update of a job's state brings, since Postgres parses the
-- condition of each trigger again for each statement, which costs a fetch as much as a call: the sums of the queues
-- (counts.sql) change with jobs that become scheduled, failed or due, and with those that change their queue; and
-- procrastinate's check that no waiting job is aborted, with its name, is here for the same reason: a fetch and an
-- insert need not check it.
create or replace function wikiembed_private.enforce_pause() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.status = 'todo' and new.status = 'doing' then
    if exists (
      select from wikiembed.sources as s
       where s.queue_name = new.queue_name
         and not wikiembed_private.may_begin(
               new.priority, s.paused_at, s.resume_at, s.bulk_opens_at, s.bulk_closes_at)
    ) then
      return null;
    end if;
    new.started_at := clock_timestamp();
  elsif new.status = 'todo' and new.abort_requested then
    raise exception 'a waiting job cannot be aborted'
      using errcode = 'check_violation', constraint = 'check_not_todo_abort_requested',
            schema = 'wikiembed_queue', table = 'procrastinate_jobs';
  end if;
  if (old.status = 'doing' or (old.status = 'todo' and old.scheduled_at is null))
       <> (new.status = 'doing' or (new.status = 'todo' and new.scheduled_at is null))
     or (old.status in ('todo', 'doing')) <> (new.status in ('todo', 'doing'))
     or old.queue_name <> new.queue_name
  then
    insert into wikiembed_private.queue_ledger (jobs, chunks, queue_name)
    select case when c.status = 'doing' or c.scheduled_at is null then c.factor else 0 end,
           c.factor * wikiembed_private.chunks_of_job(c.task_name, c.args), c.queue_name
      from (values (-1, old.queue_name, old.status, old.scheduled_at, old.task_name, old.args),
                   (1, new.queue_name, new.status, new.scheduled_at, new.task_name, new.args))
             as c (factor, queue_name, status, scheduled_at, task_name, args)
     where c.status in ('todo', 'doing');
  end if;
  return new;
end;
$$;
comment on function wikiembed_private.enforce_pause() is
  'Refuses todo → doing for jobs of a paused source, and for bulk work outside of its windows; records when a job begins; refuses to abort a waiting job; counts jobs that become scheduled or failed.';

create or replace trigger wikiembed_pause_gate
  before update of status, scheduled_at, queue_name, abort_requested on wikiembed_queue.procrastinate_jobs
  for each row
  when (new.started_at is not distinct from old.started_at)
  execute function wikiembed_private.enforce_pause();
comment on trigger wikiembed_pause_gate on wikiembed_queue.procrastinate_jobs is
  'The pause gate: no worker fetches jobs of a paused source. Counts jobs that become scheduled or failed; a waiting job is cancelled, not aborted.';
