create or replace function wikiembed.pause(
  p_source text default null, p_why text default null, p_until timestamptz default null
) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_paused bigint;
begin
  if p_source is not null then
    perform wikiembed_private.get_source(p_source);
  end if;
  if p_until <= clock_timestamp() then
    raise exception 'the pause would end at %, which is past', p_until
      using errcode = 'WE010', hint = 'Give a time in the future, or none.';
  end if;
  perform 1 from wikiembed.sources as s where p_source is null or s.name = p_source
    order by s.name for no key update;
  update wikiembed.sources as s
     set paused_at = clock_timestamp(), paused_by = wikiembed_private.actor(),
         pause_reason = p_why, resume_at = p_until
   where p_source is null or s.name = p_source;
  get diagnostics v_paused = row_count;
  insert into wikiembed.action_log (who, action, source, why, detail)
  select wikiembed_private.actor(), 'pause', s.name, p_why, jsonb_build_object('until', p_until)
    from wikiembed.sources as s where p_source is null or s.name = p_source order by s.name;
  return v_paused;
end;
$$;
comment on function wikiembed.pause(text, text, timestamptz) is
  'Pauses a source, or all of them: no batch begins until resume, or until the time given; batches in flight finish. Returns the number of sources. Raises WE001, WE010.';

create or replace function wikiembed.resume(p_source text default null, p_why text default null) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
  v_resumed bigint := 0;
begin
  if p_source is not null then
    perform wikiembed_private.get_source(p_source);
  end if;
  for v_source in
    select s.* from wikiembed.sources as s
     where (p_source is null or s.name = p_source) and s.paused_at is not null
     order by s.name for no key update
  loop
    update wikiembed.sources as s
       set paused_at = null, paused_by = null, pause_reason = null, resume_at = null
     where s.name = v_source.name;
    perform wikiembed_private.notify_workers(v_source.queue_name);
    perform wikiembed_private.log_action('resume', v_source.name, p_why,
      jsonb_build_object('paused_at', v_source.paused_at, 'paused_by', v_source.paused_by));
    v_resumed := v_resumed + 1;
  end loop;
  return v_resumed;
end;
$$;
comment on function wikiembed.resume(text, text) is
  'Ends the pause of a source, or of all, and notifies the workers; the action log keeps the reason; returns the number of sources that were paused. Raises WE001.';

-- An expired pause has no effect any more; this clears the row and notifies the workers.
create or replace function wikiembed.expire_pauses() returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_expired bigint := 0;
  v_name text;
begin
  for v_name in
    select s.name from wikiembed.sources as s
     where s.paused_at is not null and not wikiembed_private.is_paused(s.paused_at, s.resume_at)
     order by s.name
  loop
    v_expired := v_expired + wikiembed.resume(v_name);
  end loop;
  perform wikiembed_private.refresh_windows();
  return v_expired;
end;
$$;
comment on function wikiembed.expire_pauses() is
  'Resumes the sources whose pause has expired, and writes the next window of those with a schedule; returns the number that it resumed.';
