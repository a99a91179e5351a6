create or replace function wikiembed_private.has_waiting_document(p_source text) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_waits boolean := false;
begin
  if exists (select from wikiembed.document_sources as d where d.source = p_source collate "default") then
    execute format('select exists (select from wikiembed_private.%I as s where s.version is null)', 'documents_' || p_source) into v_waits;
  end if;
  return v_waits;
end;
$$;
comment on function wikiembed_private.has_waiting_document(text) is
  'True while a document of the source waits to be split, or failed.';
