-- Embed jobs have no events and no periodic defer: a job a batch of chunks, each with a checked row
-- of two index entries when it is queued, when it begins and when it is deleted, cost more than the
-- job. All other tasks keep theirs: those of an insert are written by the statement trigger
-- wikiembed_notify_seldom, since a row trigger that is never true costs each statement as much.
drop trigger procrastinate_trigger_status_events_insert_v1 on wikiembed_queue.procrastinate_jobs;
create or replace trigger procrastinate_trigger_status_events_update_v1
  after update of status on wikiembed_queue.procrastinate_jobs
  for each row when (new.task_name <> 'wikiembed.embed')
  execute function wikiembed_queue.procrastinate_trigger_function_status_events_update_v1();
create or replace trigger procrastinate_trigger_scheduled_events_v1
  after update on wikiembed_queue.procrastinate_jobs
  for each row when (new.scheduled_at is not null and new.status = 'todo' and new.task_name <> 'wikiembed.embed')
  execute function wikiembed_queue.procrastinate_trigger_function_scheduled_events_v1();
create or replace trigger procrastinate_trigger_abort_requested_events_v1
  after update of abort_requested on wikiembed_queue.procrastinate_jobs
  for each row when (new.abort_requested and new.task_name <> 'wikiembed.embed')
  execute function wikiembed_queue.procrastinate_trigger_abort_requested_events_procedure_v1();
create or replace trigger procrastinate_trigger_delete_jobs_v1
  before delete on wikiembed_queue.procrastinate_jobs
  for each row when (old.task_name <> 'wikiembed.embed')
  execute function wikiembed_queue.procrastinate_unlink_periodic_defers_v1();
delete from wikiembed_queue.procrastinate_events as e
 using wikiembed_queue.procrastinate_jobs as j
 where j.id = e.job_id and j.task_name = 'wikiembed.embed';
