-- squawk-ignore-file require-concurrent-index-deletion
-- Only procrastinate's own fetch read it, which current/30_queue/procrastinate.sql replaces. It was a fifth of what
-- the insert of one chunk cost: an entry for each job, at the end of its priority, in the middle of the index. The
-- lock of the table lasts until the new triggers count what changes.
drop index if exists wikiembed_queue.procrastinate_jobs_priority_idx_v1;
