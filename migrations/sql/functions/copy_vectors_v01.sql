-- Right for sure only where the former table's triggers kept vectors and texts together, the model is
-- pinned, and nothing on the new table may change the text while the vector is written.
create function wikiembed_private.copy_vectors(
  p_former wikiembed.sources, p_source wikiembed.sources
) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_copied bigint;
begin
  -- A rename alone leaves the trigger that nulls as good as it was.
  p_former.written_as := wikiembed_private.names_of(p_former);
  if p_former.model is null or not wikiembed_private.triggers_current(p_former)
    or exists (
      select from pg_trigger as t
       where t.tgrelid in (select wikiembed_private.relations_of(p_source.relation)) and not t.tgisinternal
         and t.tgenabled <> 'D' and t.tgtype & 19 = 19
         and not exists (select from pg_proc as p
                          where p.oid = t.tgfoid and p.pronamespace = 'wikiembed_private'::regnamespace))
    or exists (
      select from pg_rewrite as r where r.ev_class in (select wikiembed_private.relations_of(p_source.relation)))
  then
    return 0;
  end if;
  execute format(
    'update %s as n set %I = o.%I::%I.%I from %s as o
      where o.%I::text collate "C" = n.%I::text collate "C" and o.%I::text collate "C" = n.%I::text collate "C"
        and n.%I is null and o.%I is not null',
    wikiembed_private.qualified(p_source.relation), p_source.embedding_column,
    p_former.embedding_column, wikiembed_private.pgvector_schema(), p_source.embedding_type,
    wikiembed_private.qualified(p_former.relation),
    p_former.key_column, p_source.key_column, p_former.text_column, p_source.text_column,
    p_source.embedding_column, p_former.embedding_column);
  get diagnostics v_copied = row_count;
  return v_copied;
end;
$$;
comment on function wikiembed_private.copy_vectors(wikiembed.sources, wikiembed.sources) is
  'Copies the vectors of a source that is moved to rows of the same key and text; returns the number of rows.';
