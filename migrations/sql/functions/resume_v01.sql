create function wikiembed.resume(p_source text default null) returns bigint
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
    perform wikiembed_private.wake(v_source.queue_name);
    perform wikiembed_private.log_action('resume', v_source.name, null,
      jsonb_build_object('paused_at', v_source.paused_at, 'paused_by', v_source.paused_by));
    v_resumed := v_resumed + 1;
  end loop;
  return v_resumed;
end;
$$;
comment on function wikiembed.resume(text) is
  'Ends the pause of a source, or of all, and wakes the workers; answers how many were paused. Raises WE001.';
