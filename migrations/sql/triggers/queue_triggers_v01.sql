create trigger wikiembed_notify_seldom
  after insert on wikiembed_queue.procrastinate_jobs
  referencing new table as new_jobs
  for each statement execute function wikiembed_private.notify_seldom();
comment on trigger wikiembed_notify_seldom on wikiembed_queue.procrastinate_jobs is
  'Wakes workers, at most once per 20 ms a queue.';
create trigger wikiembed_hold_paused
  before update of status on wikiembed_queue.procrastinate_jobs
  for each row when (old.status = 'todo' and new.status = 'doing')
  execute function wikiembed_private.hold_paused();
comment on trigger wikiembed_hold_paused on wikiembed_queue.procrastinate_jobs is
  'The pause gate: a paused source''s jobs are not fetched, by whatever worker.';
