-- As procrastinate's schema has them; embed jobs get the events that the views of before read.
create or replace trigger procrastinate_trigger_status_events_insert_v1
  after insert on wikiembed_queue.procrastinate_jobs
  for each row when (new.status = 'todo')
  execute function wikiembed_queue.procrastinate_trigger_function_status_events_insert_v1();
create or replace trigger procrastinate_trigger_status_events_update_v1
  after update of status on wikiembed_queue.procrastinate_jobs
  for each row
  execute function wikiembed_queue.procrastinate_trigger_function_status_events_update_v1();
create or replace trigger procrastinate_trigger_scheduled_events_v1
  after insert or update on wikiembed_queue.procrastinate_jobs
  for each row when (new.scheduled_at is not null and new.status = 'todo')
  execute function wikiembed_queue.procrastinate_trigger_function_scheduled_events_v1();
create or replace trigger procrastinate_trigger_abort_requested_events_v1
  after update of abort_requested on wikiembed_queue.procrastinate_jobs
  for each row when (new.abort_requested = true)
  execute function wikiembed_queue.procrastinate_trigger_abort_requested_events_procedure_v1();
create or replace trigger procrastinate_trigger_delete_jobs_v1
  before delete on wikiembed_queue.procrastinate_jobs
  for each row execute function wikiembed_queue.procrastinate_unlink_periodic_defers_v1();
insert into wikiembed_queue.procrastinate_events (job_id, type, at)
select j.id, e.type::wikiembed_queue.procrastinate_job_event_type, e.at
  from wikiembed_queue.procrastinate_jobs as j
 cross join lateral (values ('deferred', j.queued_at), ('started', j.started_at)) as e (type, at)
 where j.task_name = 'wikiembed.embed' and e.at is not null;
