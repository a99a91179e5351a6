-- The columns of the document's key have their type and no function around them, so that the chunk
-- table's index of them serves. A text that cannot be such a key belongs to no document.
create or replace function wikiembed_private.chunks_of_document(p_source text, p_document text) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_keys text[];
  v_condition text := (
    select string_agg(format('t.%I = (%s)::%s', c.name,
             case when cardinality(d.key_columns) = 1 then '$1' else format('$1::jsonb ->> %s', c.number - 1) end,
             d.key_types[c.number]), ' and ')
      from wikiembed.document_sources as d
     cross join unnest(wikiembed_private.chunk_key_columns(d.source)) with ordinality as c (name, number)
     where d.source = p_source collate "default");
begin
  if v_condition is not null then
    execute wikiembed_private.render_template(
      wikiembed_private.find_source(p_source),
      'select array_agg(@key_of(t)@) from @table@ as t where @of_document@',
      jsonb_build_object('of_document', v_condition)) into v_keys using p_document;
  end if;
  return coalesce(v_keys, '{}');
exception when data_exception then
  return '{}';
end;
$$;
comment on function wikiembed_private.chunks_of_document(text, text) is
  'The keys of the chunks of a document; none where the source has no documents.';

-- What retry_failures and skip take by key: a bounded number at a time, in key order, of which the last
-- is p_after of the next call.
create or replace function wikiembed.find_failures(
  p_source text, p_error_class text default null, p_server text default null, p_message text default null,
  p_document text default null, p_since timestamptz default null, p_until timestamptz default null,
  p_documents boolean default false, p_after text default '', p_most bigint default null
) returns setof text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  v_keys text[];
begin
  perform wikiembed_private.find_source(p_source);
  if p_documents then
    return query
      select f.key from wikiembed.document_failures as f
       where f.source = p_source collate "default" and f.key > p_after collate "C"
         and (p_document is null or f.key in (
           select k.key collate "C" from unnest(p_document || wikiembed_private.respell_keys(array[p_document])) as k (key)))
         and (p_error_class is null or f.error_class = p_error_class collate "default")
         and (p_since is null or f.last_at >= p_since) and (p_until is null or f.last_at <= p_until)
         and (p_server is null or strpos(f.message, p_server) > 0)
         and (p_message is null or strpos(lower(f.message), lower(p_message)) > 0)
       order by f.key limit p_most;
    return;
  end if;
  if p_document is not null then
    v_keys := wikiembed_private.chunks_of_document(p_source, p_document);
  end if;
  return query
    select f.key from wikiembed.failures as f
     where f.source = p_source collate "default" and f.state = 'failed' and f.key > p_after collate "C"
       and (p_document is null or f.key in (select k.key collate "C" from unnest(v_keys) as k (key)))
       and (p_error_class is null or f.error_class = p_error_class collate "default")
       and (p_since is null or f.last_at >= p_since) and (p_until is null or f.last_at <= p_until)
       and (p_server is null or strpos(f.message, p_server) > 0)
       and (p_message is null or strpos(lower(f.message), lower(p_message)) > 0)
     order by f.key limit p_most;
end;
$$;
comment on function wikiembed.find_failures(
  text, text, text, text, text, timestamptz, timestamptz, boolean, text, bigint) is
  'The keys of failed chunks, with p_documents of failed documents, in key order after p_after, p_most at most: of an error class, of a document (its key), recorded from p_since to p_until, with a message that names p_server or contains p_message in any case. For retry_failures and skip. Raises WE001.';
