create function wikiembed_private.trigger_version() returns integer
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select 7 $$;
comment on function wikiembed_private.trigger_version() is
  'Version of the triggers and functions that write_triggers writes.';
