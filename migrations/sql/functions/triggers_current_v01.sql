create function wikiembed_private.triggers_current(p_source wikiembed.sources) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select p_source.trigger_version = wikiembed_private.trigger_version()
     and p_source.written_as = wikiembed_private.names_of(p_source)
     and not exists (
       select from wikiembed_private.relations_of(p_source.relation) as r,
                   unnest(array['insert', 'update', 'delete', 'truncate']) as e
        where not exists (
          select from pg_trigger as t
           where t.tgrelid = r and t.tgname = 'wikiembed_' || p_source.name || '_' || e
             and t.tgenabled in ('O', 'A')))
     and exists (
       select from pg_trigger as t
        where t.tgrelid = p_source.relation and t.tgname = 'zzz_wikiembed_' || p_source.name
          and t.tgenabled = 'A');
$$;
comment on function wikiembed_private.triggers_current(wikiembed.sources) is
  'True when every trigger of a source is there, enabled, of this version and of the present names.';
