-- squawk-ignore-file require-concurrent-index-deletion
-- The names by which procrastinate knows a violation stay. An embed job has neither lock nor
-- queueing lock, so that it is in none of their indexes. jobs_by_queue has what can begin at
-- once; what waits for its time stands apart, so that no fetch reads through it.
drop index wikiembed_queue.procrastinate_jobs_queueing_lock_idx_v1;
create unique index procrastinate_jobs_queueing_lock_idx_v1
  on wikiembed_queue.procrastinate_jobs (queueing_lock) where status = 'todo' and queueing_lock is not null;
drop index wikiembed_queue.procrastinate_jobs_id_lock_idx_v1;
create index procrastinate_jobs_id_lock_idx_v1
  on wikiembed_queue.procrastinate_jobs (id, lock) where status in ('todo', 'doing') and lock is not null;
drop index wikiembed_queue.procrastinate_jobs_queue_name_idx_v1;
create index jobs_by_queue
  on wikiembed_queue.procrastinate_jobs (queue_name, priority desc, id)
  where status = 'todo' and scheduled_at is null;
create index jobs_by_time
  on wikiembed_queue.procrastinate_jobs (queue_name, scheduled_at)
  where status = 'todo' and scheduled_at is not null;
