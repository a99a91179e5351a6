-- Comments on tables, their columns and schemas: what, unit, who writes it.
comment on sequence wikiembed_private.clock is
  'Milliseconds of the last notification for queues without a clock of their own.';

comment on column wikiembed_queue.procrastinate_jobs.queued_at is
  'When the job was queued; wikiembed''s own column.';
comment on column wikiembed_queue.procrastinate_jobs.started_at is
  'When a worker last began the job; wikiembed''s own column, written by its pause gate.';
comment on table wikiembed_private.queue_ledger is
  'Changes of the number of jobs that can begin at once or run, and of the chunks of all that are not finished, by queue: their sums are the numbers. Written by the triggers of the queue and of the sources; fold_ledger leaves one row per queue.';
comment on column wikiembed_private.queue_ledger.jobs is 'Jobs added; negative: removed.';
comment on column wikiembed_private.queue_ledger.chunks is
  'Chunks of jobs added, also of those that wait for a time; negative: removed.';
comment on column wikiembed_private.queue_ledger.queue_name is 'Their queue.';
comment on schema wikiembed_queue is
  'The job queue: procrastinate, vendored as released; written by wikiembed functions and workers.';
comment on schema wikiembed is
  'The public interface of wikiembed: tables, views and functions whose names do not change.';
comment on schema wikiembed_private is
  'Internal: generated functions of each source and the functions that generate them; may change at any time.';
comment on table wikiembed.alembic_version is 'The schema version; written by wikiembed migrate.';
comment on column wikiembed.alembic_version.version_num is 'The last revision of migrations/versions that was run.';
