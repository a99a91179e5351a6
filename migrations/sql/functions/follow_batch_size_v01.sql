-- After update of a source's batch size: what its insert trigger was written with is written anew.
create function wikiembed_private.follow_batch_size() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.require_quotable(new);
  perform wikiembed_private.write_on_insert(new);
  return null;
end;
$$;
comment on function wikiembed_private.follow_batch_size() is
  'Writes a source''s insert trigger anew with the batch size that it has now.';
