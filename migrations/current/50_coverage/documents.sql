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

-- Documents in an order that has nothing to do with their keys, which often follow their age.
create or replace function wikiembed_private.sample_waiting(p_source text, p_most integer) returns setof text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query execute format(
    'select s.key::text from wikiembed_private.%I as s
      where s.version is null
        and not exists (select from wikiembed.document_failures as f where f.source = $1 and f.key = s.key)
      order by hashtextextended(s.key, 0), s.key limit $2', 'documents_' || p_source) using p_source, p_most;
end;
$$;
comment on function wikiembed_private.sample_waiting(text, integer) is
  'Keys of some documents of a source that wait to be split and have not failed.';

-- The most that is kept of one call is what pruning keeps of a source.
create or replace function wikiembed_private.end_document_failures(p_source text, p_keys text[], p_how text) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ended bigint;
begin
  with ended as (
    delete from wikiembed.document_failures as f
     where f.source = p_source collate "default" and (p_keys is null or f.key = any (p_keys collate "C"))
    returning f.*
  ), kept as (
    insert into wikiembed_private.ended_failures (source, key, error_class, message, attempts, first_at, last_at, how, document)
    select e.source, e.key, e.error_class, e.message, e.attempts, e.first_at, e.last_at, p_how, true
      from ended as e order by e.last_at desc, e.key limit 50000
  )
  select count(*) into v_ended from ended;
  return v_ended;
end;
$$;
comment on function wikiembed_private.end_document_failures(text, text[], text) is
  'Ends failures of documents of a source, of all where p_keys is null, and keeps them as history; returns their number.';
