-- The row trigger notifies twice a job, and notifying serialises commits:
-- the statement trigger wikiembed_notify_seldom takes its place.
alter table wikiembed_queue.procrastinate_jobs
  disable trigger procrastinate_jobs_notify_queue_job_inserted_v1;
