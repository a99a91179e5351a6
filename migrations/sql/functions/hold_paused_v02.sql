-- The pause gate: the fetch of a paused source's job, by whatever worker, finds nothing. What is
-- let through is begun now.
create function wikiembed_private.hold_paused() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from wikiembed.sources as s
     where s.queue_name = new.queue_name and s.paused_at is not null
       and (s.resume_at is null or s.resume_at > clock_timestamp())
  ) then
    return null;
  end if;
  new.started_at := clock_timestamp();
  return new;
end;
$$;
comment on function wikiembed_private.hold_paused() is
  'Refuses todo → doing for jobs of a paused source; notes when a job begins.';
