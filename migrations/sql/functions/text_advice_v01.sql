create function wikiembed_private.text_advice(p_relation regclass, p_column name) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    'Name another text column: ' || string_agg(a.attname, ', ' order by a.attnum),
    format('Run `alter table %1$s add column %2$I text`, and name %2$I as the text', p_relation,
           wikiembed_private.free_column(p_relation, p_column)))
    from pg_attribute as a join pg_type as t on t.oid = wikiembed_private.base_type(a.atttypid)
   where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     and t.typcategory = 'S' and t.typname not in ('char', 'name');
$$;
comment on function wikiembed_private.text_advice(regclass, name) is
  'Which columns of a table hold texts, or how it gets one.';
