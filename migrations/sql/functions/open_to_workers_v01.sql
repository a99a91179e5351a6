-- Workers call a source's own functions: the way through read_chunks and write_embeddings plans
-- each call anew, with a copy of all its vectors.
create function wikiembed_private.open_to_workers(p_source wikiembed.sources, p_role name) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('grant execute on function wikiembed_private.%I(text[], integer) to %I',
    'read_' || p_source.name, p_role);
  execute format('grant execute on function wikiembed_private.%I(text[], bigint[], %I.vector[], integer) to %I',
    'store_' || p_source.name, wikiembed_private.pgvector_schema(), p_role);
end;
$$;
comment on function wikiembed_private.open_to_workers(wikiembed.sources, name) is
  'Lets a worker''s role call the functions that read and store chunks of a source.';
