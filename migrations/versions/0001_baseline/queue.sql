-- squawk-ignore-file require-concurrent-index-deletion, ban-drop-constraint
-- What is changed of procrastinate's schema, once. Its triggers and functions that are written otherwise
-- stand in current/30_queue/procrastinate.sql.

-- The row trigger notifies twice a job, and notifying serialises commits:
-- the statement trigger wikiembed_notify_workers takes its place.
alter table wikiembed_queue.procrastinate_jobs
  disable trigger procrastinate_jobs_notify_queue_job_inserted_v1;

-- When a job was queued and when it was begun: an embed job has no row in procrastinate_events,
-- which would cost a checked row of two index entries at each step of its way.
alter table wikiembed_queue.procrastinate_jobs
  add column queued_at timestamptz default now(),
  add column started_at timestamptz;

-- The names by which procrastinate knows a violation stay. An embed job has neither lock nor queueing lock,
-- so that it is in none of their indexes. jobs_by_queue has what can begin at once; what waits for its time
-- stands apart, so that no fetch reads through it. No fetch asks for id and lock together.
drop index wikiembed_queue.procrastinate_jobs_queueing_lock_idx_v1;
create unique index procrastinate_jobs_queueing_lock_idx_v1
  on wikiembed_queue.procrastinate_jobs (queueing_lock) where status = 'todo' and queueing_lock is not null;
drop index wikiembed_queue.procrastinate_jobs_id_lock_idx_v1;
drop index wikiembed_queue.procrastinate_jobs_queue_name_idx_v1;
create index jobs_by_queue
  on wikiembed_queue.procrastinate_jobs (queue_name, priority desc, id)
  where status = 'todo' and scheduled_at is null;
create index jobs_by_time
  on wikiembed_queue.procrastinate_jobs (queue_name, scheduled_at)
  where status = 'todo' and scheduled_at is not null;

-- wikiembed_notify_workers writes the events of an insert; wikiembed_refuse_abort says what the constraint said.
drop trigger procrastinate_trigger_status_events_insert_v1 on wikiembed_queue.procrastinate_jobs;
alter table wikiembed_queue.procrastinate_jobs drop constraint check_not_todo_abort_requested;

-- A job lives for seconds, and each fetch walks over the dead ones at its queue's head: 10,000 cost
-- nothing that could be measured, 250,000 took a fetch from 0.6 to 1.6 ms. By default so many pile
-- up before a vacuum where a million more wait.
alter table wikiembed_queue.procrastinate_jobs
  set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
