-- A pause that ran out counts no longer; this tidies the row and wakes the workers.
create function wikiembed.expire_pauses() returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_expired bigint := 0;
  v_name text;
begin
  for v_name in
    select s.name from wikiembed.sources as s
     where s.paused_at is not null and s.resume_at <= clock_timestamp() order by s.name
  loop
    v_expired := v_expired + wikiembed.resume(v_name);
  end loop;
  return v_expired;
end;
$$;
comment on function wikiembed.expire_pauses() is
  'Resumes the sources whose pause has run out; answers how many.';
