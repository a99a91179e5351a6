-- squawk-ignore-file require-concurrent-index-deletion
drop index wikiembed_queue.jobs_by_queue;
drop index wikiembed_queue.jobs_by_time;
drop index wikiembed_queue.procrastinate_jobs_queueing_lock_idx_v1;
drop index wikiembed_queue.procrastinate_jobs_id_lock_idx_v1;
create unique index procrastinate_jobs_queueing_lock_idx_v1
  on wikiembed_queue.procrastinate_jobs (queueing_lock) where status = 'todo';
create index procrastinate_jobs_id_lock_idx_v1
  on wikiembed_queue.procrastinate_jobs (id, lock) where status in ('todo', 'doing');
create index procrastinate_jobs_queue_name_idx_v1 on wikiembed_queue.procrastinate_jobs (queue_name);
