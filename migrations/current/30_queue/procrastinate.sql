-- procrastinate's own fetch, for workers that are not ours, by ours: a job of a paused source at the head does not
-- stop it, and the index that it read, an entry of each job, is not needed.
create or replace function wikiembed_queue.procrastinate_fetch_job_v2(
  target_queue_names character varying[], p_worker_id bigint
) returns wikiembed_queue.procrastinate_jobs
language plpgsql
as $$
declare
  v_job wikiembed_queue.procrastinate_jobs;
begin
  select j.* into v_job from wikiembed_private.fetch_jobs(target_queue_names, true, p_worker_id) as j;
  return v_job;
end;
$$;
comment on function wikiembed_queue.procrastinate_fetch_job_v2(character varying[], bigint) is
  'Fetches one job, from the given queues (null: all); procrastinate''s interface of wikiembed_private.fetch_jobs.';

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
