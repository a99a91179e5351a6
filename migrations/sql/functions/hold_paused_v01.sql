-- The pause gate: the fetch of a paused source's job, by whatever worker, finds nothing.
create function wikiembed_private.hold_paused() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from wikiembed.sources as s
     where s.queue_name = new.queue_name and wikiembed_private.is_held(s)
  ) then
    return null;
  end if;
  return new;
end;
$$;
comment on function wikiembed_private.hold_paused() is
  'Refuses todo → doing for jobs of a paused source.';
