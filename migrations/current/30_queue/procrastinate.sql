-- procrastinate writes its names unqualified: every function of its schema gets a pinned path,
-- so that no function or table of another schema can shadow one of its own.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid::regprocedure
      from pg_catalog.pg_proc as p
     where p.pronamespace = 'wikiembed_queue'::regnamespace
  loop
    execute pg_catalog.format(
      'alter function %s set search_path = wikiembed_queue, pg_catalog, pg_temp', v_function);
  end loop;
end;
$$;

-- Embed jobs have no events and no periodic defer: with one job per batch of chunks, the checked row
-- with two index entries when it is queued, when it begins and when it is deleted cost more than the
-- job. All other tasks keep theirs: the statement trigger wikiembed_notify_workers writes those of an
-- insert, since a row trigger whose condition is never true costs each statement as much.
create or replace trigger procrastinate_trigger_status_events_update_v1
  after update of status on wikiembed_queue.procrastinate_jobs
  for each row when (new.task_name not in ('wikiembed.embed', 'wikiembed.split'))
  execute function wikiembed_queue.procrastinate_trigger_function_status_events_update_v1();
create or replace trigger procrastinate_trigger_scheduled_events_v1
  after update on wikiembed_queue.procrastinate_jobs
  for each row when (new.scheduled_at is not null and new.status = 'todo' and new.task_name not in ('wikiembed.embed', 'wikiembed.split'))
  execute function wikiembed_queue.procrastinate_trigger_function_scheduled_events_v1();
create or replace trigger procrastinate_trigger_abort_requested_events_v1
  after update of abort_requested on wikiembed_queue.procrastinate_jobs
  for each row when (new.abort_requested and new.task_name not in ('wikiembed.embed', 'wikiembed.split'))
  execute function wikiembed_queue.procrastinate_trigger_abort_requested_events_procedure_v1();
create or replace trigger procrastinate_trigger_delete_jobs_v1
  before delete on wikiembed_queue.procrastinate_jobs
  for each row when (old.task_name not in ('wikiembed.embed', 'wikiembed.split'))
  execute function wikiembed_queue.procrastinate_unlink_periodic_defers_v1();

-- Replaces procrastinate's check constraint: Postgres parses one again for each statement that inserts,
-- which cost as much as a job's row. Inserts request no abort; a trigger on updates raises the same error,
-- with the same name.
create or replace function wikiembed_private.refuse_abort() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'a waiting job cannot be aborted'
    using errcode = 'check_violation', constraint = 'check_not_todo_abort_requested',
          schema = 'wikiembed_queue', table = 'procrastinate_jobs';
end;
$$;
comment on function wikiembed_private.refuse_abort() is
  'Refuses to abort a waiting job; replaces procrastinate''s check constraint.';
create or replace trigger wikiembed_refuse_abort
  before update on wikiembed_queue.procrastinate_jobs
  for each row when (new.status = 'todo' and new.abort_requested)
  execute function wikiembed_private.refuse_abort();
comment on trigger wikiembed_refuse_abort on wikiembed_queue.procrastinate_jobs is
  'A waiting job is cancelled, not aborted.';
