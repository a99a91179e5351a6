-- The database knows its role, not the person: a command names the person in wikiembed.actor.
create function wikiembed_private.actor() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when coalesce(current_setting('wikiembed.actor', true), '') in ('', session_user) then session_user
    else left(current_setting('wikiembed.actor', true), 200) || ' (' || session_user || ')'
  end;
$$;
comment on function wikiembed_private.actor() is
  'Who acts: the session user, and the person named in the setting wikiembed.actor.';
