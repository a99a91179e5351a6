create function wikiembed_private.triggers_current(p_source wikiembed.sources) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select p_source.trigger_version = wikiembed_private.trigger_version()
     and p_source.written_as = wikiembed_private.names_of(p_source)
     and wikiembed_private.tree_current(p_source)
     and not exists (
       select from wikiembed_private.triggers_of(p_source.name) as o
         join pg_trigger as t on t.tgrelid = o.relation and t.tgname = o.trigger
        where t.tgenabled not in ('O', 'A'))
     and not exists (
       select from wikiembed_private.relations_of(p_source.relation) as r
        where not exists (
          select from pg_trigger as t
           where t.tgrelid = r and t.tgname = 'zzz_wikiembed_' || p_source.name and t.tgenabled = 'A'));
$$;
comment on function wikiembed_private.triggers_current(wikiembed.sources) is
  'True when every trigger of a source is there, enabled, of this version and of the present names.';
