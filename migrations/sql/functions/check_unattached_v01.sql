create function wikiembed_private.check_unattached(
  p_relation regclass, p_embedding name, p_name text, p_replaces boolean
) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_other wikiembed.sources;
begin
  select s.* into v_other from wikiembed.sources as s
   where (s.name = p_name and not p_replaces)
      or (s.name <> p_name and s.relation = p_relation and s.embedding_column = p_embedding)
   order by s.relation = p_relation desc
   limit 1;
  if found and v_other.relation = p_relation then
    raise exception 'source "%", or column "%" of %, is attached already', v_other.name, p_embedding, p_relation
      using errcode = 'WE003',
            hint = format('Detach it first, or choose another name and column; to detach it: select wikiembed.detach(%L)',
                          v_other.name);
  elsif found then
    raise exception 'source "%" is attached already, to %', v_other.name, wikiembed_private.qualified(v_other.relation)
      using errcode = 'WE003',
            hint = 'Detach it first, choose another name, or move it to this table: attach with p_move => true, or --move';
  end if;
end;
$$;
comment on function wikiembed_private.check_unattached(regclass, name, text, boolean) is
  'Raises WE003 when a source has the name, unless it is to be replaced, or another one the column.';
