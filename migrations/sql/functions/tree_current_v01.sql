create function wikiembed_private.tree_current(p_source wikiembed.sources) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    (select r, 'wikiembed_' || p_source.name || '_' || e
       from wikiembed_private.relations_of(p_source.relation) as r,
            unnest(array['insert', 'update', 'delete', 'truncate']) as e
     except
     select t.relation, t.trigger from wikiembed_private.triggers_of(p_source.name) as t)
    union all
    (select t.relation, t.trigger from wikiembed_private.triggers_of(p_source.name) as t
      where t.relation not in (select wikiembed_private.relations_of(p_source.relation))));
$$;
comment on function wikiembed_private.tree_current(wikiembed.sources) is
  'True when the table and every partition of it, and no other, have a source''s statement triggers.';
