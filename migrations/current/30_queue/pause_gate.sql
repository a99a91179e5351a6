-- The pause gate: the fetch of a paused source's job, by any worker, returns nothing. For other
-- jobs it records that they begin now.
create or replace function wikiembed_private.enforce_pause() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from wikiembed.sources as s
     where s.queue_name = new.queue_name
       and (wikiembed_private.is_paused(s.paused_at, s.resume_at)
            or new.priority < 5 and wikiembed_private.is_bulk_closed(s.bulk_opens_at, s.bulk_closes_at))
  ) then
    return null;
  end if;
  new.started_at := clock_timestamp();
  return new;
end;
$$;
comment on function wikiembed_private.enforce_pause() is
  'Refuses todo → doing for jobs of a paused source, and for bulk work outside of its windows; records when a job begins.';

create or replace trigger wikiembed_pause_gate
  before update of status on wikiembed_queue.procrastinate_jobs
  for each row when (old.status = 'todo' and new.status = 'doing')
  execute function wikiembed_private.enforce_pause();
comment on trigger wikiembed_pause_gate on wikiembed_queue.procrastinate_jobs is
  'The pause gate: no worker fetches jobs of a paused source.';
