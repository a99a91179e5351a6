create function wikiembed_private.free_column(p_relation regclass, p_name text) returns name
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select c.name::name
    from (select p_name || case when i = 1 then '' else '_' || i end as name, i from generate_series(1, 1600) as i) as c
   where not exists (select from pg_attribute as a
                      where a.attrelid = p_relation and a.attname = c.name::name and not a.attisdropped)
   order by c.i
   limit 1;
$$;
comment on function wikiembed_private.free_column(regclass, text) is
  'A name that a new column of a table can have.';
