create function wikiembed_private.log_action(
  p_action text, p_source text, p_why text default null, p_detail jsonb default '{}'
) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into wikiembed.action_log (who, action, source, why, detail)
  values (wikiembed_private.actor(), p_action, p_source, p_why, p_detail);
$$;
comment on function wikiembed_private.log_action(text, text, text, jsonb) is
  'Writes one row of the action log in the caller''s name.';
