create function wikiembed_private.relations_of(p_relation regclass) returns setof regclass
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select p_relation
  union
  select t.relid from pg_partition_tree(p_relation) as t;
$$;
comment on function wikiembed_private.relations_of(regclass) is
  'The table itself and, when it is partitioned, every partition below it.';
