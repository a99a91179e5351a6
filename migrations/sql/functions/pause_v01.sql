create function wikiembed.pause(
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
      using errcode = 'WE010', hint = 'Give a time to come, or none.';
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
  'Pauses a source, or all of them: no batch begins until resume, or until the time given; batches in flight finish. Answers how many sources. Raises WE001, WE010.';
