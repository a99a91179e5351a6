create function wikiembed_private.is_gone(p_source wikiembed.sources) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.qualified(p_source.relation) is null
      or exists (
        select from (values (p_source.key_column, p_source.key_attnum),
                            (p_source.text_column, p_source.text_attnum),
                            (p_source.embedding_column, p_source.embedding_attnum)) as c (name, attnum)
         where not exists (
           select from pg_attribute as a
            where a.attrelid = p_source.relation and not a.attisdropped and a.attnum > 0
              and (a.attname = c.name or a.attnum = c.attnum)));
$$;
comment on function wikiembed_private.is_gone(wikiembed.sources) is
  'True when a source''s table, or one of its three columns, was dropped.';
