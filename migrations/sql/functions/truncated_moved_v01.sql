create function wikiembed_private.truncated_moved(
  p_former wikiembed.sources, p_source wikiembed.sources
) returns wikiembed.truncated_chunks[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_marks wikiembed.truncated_chunks[];
begin
  if not exists (select from wikiembed.truncated_chunks as c where c.source = p_former.name) then
    return '{}';
  end if;
  execute format(
    'select coalesce(array_agg(c order by c.key), ''{}'') from wikiembed.truncated_chunks as c
       join %s as n on n.%I::text collate "C" = c.key
       join %s as o on o.%I::text collate "C" = c.key
      where c.source = $1 collate "C" and n.%I is not null
        and o.%I::text collate "C" is not distinct from n.%I::text collate "C"',
    wikiembed_private.qualified(p_source.relation), p_source.key_column,
    wikiembed_private.qualified(p_former.relation), p_former.key_column,
    p_source.embedding_column, p_former.text_column, p_source.text_column)
    into v_marks using p_former.name;
  return v_marks;
end;
$$;
comment on function wikiembed_private.truncated_moved(wikiembed.sources, wikiembed.sources) is
  'The marks of a source that is moved whose rows have the same key and text in both tables, and a vector in the new one.';
