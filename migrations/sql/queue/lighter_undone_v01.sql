-- squawk-ignore-file ban-drop-function, constraint-missing-not-valid, require-concurrent-index-creation
drop trigger wikiembed_refuse_abort on wikiembed_queue.procrastinate_jobs;
drop function wikiembed_private.refuse_abort();
alter table wikiembed_queue.procrastinate_jobs
  add constraint check_not_todo_abort_requested check (not (status = 'todo' and abort_requested = true));
create index procrastinate_jobs_id_lock_idx_v1
  on wikiembed_queue.procrastinate_jobs (id, lock) where status in ('todo', 'doing') and lock is not null;
