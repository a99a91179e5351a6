-- Only one attach, enqueue or reconcile of a source at a time. It is a statement of its own, so
-- that the statement after it takes a snapshot that sees what the former holder committed.
create function wikiembed_private.lock_source(p_source text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('wikiembed.' || p_source, 0));
end;
$$;
comment on function wikiembed_private.lock_source(text) is
  'Takes the advisory lock of one source until the transaction ends.';
