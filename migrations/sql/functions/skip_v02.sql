-- The limit stands here, so that no caller waits without one.
create or replace function wikiembed.skip(p_source text, p_keys text[], p_why text default null) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
as $$
begin
  return wikiembed_private.skip_within(p_source, p_keys, p_why, interval '10 s');
end;
$$;
comment on function wikiembed.skip(text, text[], text) is
  'Marks missing chunks as skipped, all of these keys or none: nobody waits for them and no worker embeds them; answers how many, without keys that do not exist or have their vector. Raises 55P03 when somebody holds one for more than 10 s, WE001, WE008, WE010.';
