-- By the functions that they call: a partition that was detached keeps its statement triggers.
create function wikiembed_private.triggers_of(p_name text) returns table (relation regclass, trigger name)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select t.tgrelid::regclass, t.tgname
    from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
   where p.pronamespace = 'wikiembed_private'::regnamespace
     and p.proname = any (array['on_insert_' || p_name, 'on_update_' || p_name,
                                'on_delete_' || p_name, 'on_truncate_' || p_name] collate "C");
$$;
comment on function wikiembed_private.triggers_of(text) is
  'The statement triggers of a source, wherever they are.';
