-- squawk-ignore-file require-concurrent-index-deletion, ban-drop-constraint
-- Postgres parses a check constraint anew for each statement that inserts, which cost as much as a
-- job's row. Who inserts asks for no abort: a trigger on updates says the same, by the same name.
-- Only jobs with a lock were in the index on (id, lock), and no fetch asks for both.
alter table wikiembed_queue.procrastinate_jobs drop constraint check_not_todo_abort_requested;
create function wikiembed_private.refuse_abort() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'a job that waits cannot be asked to abort'
    using errcode = 'check_violation', constraint = 'check_not_todo_abort_requested',
          schema = 'wikiembed_queue', table = 'procrastinate_jobs';
end;
$$;
comment on function wikiembed_private.refuse_abort() is
  'Refuses an abort of a job that waits, in the place of procrastinate''s check constraint.';
revoke all on function wikiembed_private.refuse_abort() from public;
create trigger wikiembed_refuse_abort
  before update on wikiembed_queue.procrastinate_jobs
  for each row when (new.status = 'todo' and new.abort_requested)
  execute function wikiembed_private.refuse_abort();
comment on trigger wikiembed_refuse_abort on wikiembed_queue.procrastinate_jobs is
  'A job that waits is cancelled, not aborted.';
drop index wikiembed_queue.procrastinate_jobs_id_lock_idx_v1;
