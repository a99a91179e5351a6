-- The name is believed while a column has it; after that the column number says how it is
-- called now. Numbers are refreshed, since a restore counts them anew.
create function wikiembed_private.follow_renames(p_name text) returns wikiembed.sources
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
  v_key pg_attribute;
  v_text pg_attribute;
  v_embedding pg_attribute;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  v_key := wikiembed_private.find_column(v_source.relation, v_source.key_column, v_source.key_attnum);
  v_text := wikiembed_private.find_column(v_source.relation, v_source.text_column, v_source.text_attnum);
  v_embedding := wikiembed_private.find_column(
    v_source.relation, v_source.embedding_column, v_source.embedding_attnum);
  if (v_key.attname, v_text.attname, v_embedding.attname, v_key.attnum, v_text.attnum, v_embedding.attnum)
    is distinct from (v_source.key_column, v_source.text_column, v_source.embedding_column,
                      v_source.key_attnum, v_source.text_attnum, v_source.embedding_attnum)
  then
    update wikiembed.sources as s
       set key_column = v_key.attname, text_column = v_text.attname, embedding_column = v_embedding.attname,
           key_attnum = v_key.attnum, text_attnum = v_text.attnum, embedding_attnum = v_embedding.attnum
     where s.name = p_name
    returning s.* into v_source;
  end if;
  return v_source;
end;
$$;
comment on function wikiembed_private.follow_renames(text) is
  'Brings a source''s column names up to date after a rename; answers its row.';
