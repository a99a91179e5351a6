-- When a job was queued and when it was begun: an embed job has no row in procrastinate_events,
-- which would cost a checked row of two index entries at each step of its way.
alter table wikiembed_queue.procrastinate_jobs
  add column queued_at timestamptz default now(),
  add column started_at timestamptz;
comment on column wikiembed_queue.procrastinate_jobs.queued_at is
  'When the job was queued; wikiembed''s own column.';
comment on column wikiembed_queue.procrastinate_jobs.started_at is
  'When a worker took the job last; wikiembed''s own column, written by its pause gate.';
update wikiembed_queue.procrastinate_jobs as j
   set queued_at = e.at
  from wikiembed_queue.procrastinate_events as e
 where e.job_id = j.id and e.type = 'deferred';
update wikiembed_queue.procrastinate_jobs as j
   set started_at = (select max(e.at) from wikiembed_queue.procrastinate_events as e
                      where e.job_id = j.id and e.type = 'started')
 where j.status = 'doing';
