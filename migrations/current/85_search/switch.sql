-- Searches for a name use the source of that name, or the one that it was switched to: a row of search_names.
-- A name leads to a source in one step: a source that a name was switched to is no switched name itself.
create or replace function wikiembed_private.searched_source(p_name text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (select n.source from wikiembed.search_names as n where n.name = p_name collate "default"),
    (select s.name from wikiembed.sources as s where s.name = p_name collate "default"));
$$;
comment on function wikiembed_private.searched_source(text) is
  'The source that searches for a name use; null when there is none.';

-- Both names are locked, always in the same order, so that no attach, detach or other switch of them comes between.
create or replace function wikiembed.switch(p_name text, p_to text, p_anyway boolean default false) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '10s'
as $$
declare
  v_from text;
  v_source wikiembed.sources;
  v_name text;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.check_name(p_name);
  for v_name in
    select distinct n.name collate "C" from unnest(array[p_name, p_to]) as n (name) where n.name is not null order by 1
  loop
    perform wikiembed_private.lock_source(v_name);
  end loop;
  v_from := wikiembed_private.searched_source(p_name);
  if p_to is null then
    delete from wikiembed.search_names as n where n.name = p_name collate "default";
    if not found then
      raise exception '"%" was not switched to a source', p_name
        using errcode = 'WE010', hint = 'List the names that were: select * from wikiembed.search_names.';
    end if;
  else
    v_source := wikiembed_private.get_source(p_to);
    perform wikiembed_private.require_table(v_source);
    if v_from = p_to collate "default" then
      return v_from;
    end if;
    perform wikiembed_private.require_one_step(p_name, p_to);
    if p_anyway is not true then
      -- The source that was used before need only be complete: the way back is short.
      if (select a.detail ->> 'from' from wikiembed.action_log as a
           where a.action = 'switch' and a.source = p_name collate "default" order by a.at desc, a.id desc limit 1) is distinct from p_to
      then
        perform wikiembed_private.require_alike(v_from, v_source);
      end if;
      if not wikiembed.is_ready(p_to) then
        raise exception 'source "%" is not ready', p_to
          using errcode = 'WE010',
                hint = format('See what is missing: `wikiembed ready %s`. To switch nevertheless, give --anyway, in SQL p_anyway => true.', p_to);
      end if;
    end if;
    if p_to = p_name collate "default" then
      delete from wikiembed.search_names as n where n.name = p_name collate "default";
    else
      insert into wikiembed.search_names (name, source, by) values (p_name, p_to, wikiembed_private.actor())
      on conflict (name) do update set source = excluded.source, since = excluded.since, by = excluded.by;
    end if;
  end if;
  perform wikiembed_private.log_action('switch', p_name, null, jsonb_build_object('from', v_from, 'to', p_to));
  return v_from;
end;
$$;
comment on function wikiembed.switch(text, text, boolean) is
  'Has searches for a name, that of a source or another, use source p_to from the commit on; p_to null forgets the name, so that searches for it use the source of that name, if there is one. Refuses a source that is not ready, or differs from the present one in its table, key, documents or indexes, unless p_anyway; the one that was used before need only be ready. Returns the source that was used before. Raises WE001, WE002, WE010.';

create or replace function wikiembed_private.require_one_step(p_name text, p_to text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_other text;
begin
  if p_to = p_name collate "default" then
    return;
  end if;
  select n.source into v_other from wikiembed.search_names as n where n.name = p_to collate "default";
  if found then
    raise exception 'searches for "%" use source "%", so no other name can be switched to it', p_to, v_other
      using errcode = 'WE010', hint = format('Switch to source "%s", or switch "%s" back first.', v_other, p_to);
  end if;
  select n.name into v_other from wikiembed.search_names as n where n.source = p_name collate "default" order by n.name limit 1;
  if found then
    raise exception 'searches for "%" use source "%", so that cannot be switched itself', v_other, p_name
      using errcode = 'WE010', hint = format('Switch "%s" instead.', v_other);
  end if;
end;
$$;
comment on function wikiembed_private.require_one_step(text, text) is
  'Raises WE010 for a switch after which a name would lead to a name that was switched too.';

-- Another table or key would give applications keys of other rows; an index that is missing, slow searches or
-- none by text.
create or replace function wikiembed_private.require_alike(p_from text, p_to wikiembed.sources) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_from wikiembed.sources;
  v_documents wikiembed.document_sources;
  v_others wikiembed.document_sources;
  v_why text;
  v_hint text;
begin
  select s.* into v_from from wikiembed.sources as s where s.name = p_from;
  if not found or wikiembed_private.is_gone(v_from) then
    return;
  end if;
  select d.* into v_documents from wikiembed.document_sources as d where d.source = v_from.name;
  select d.* into v_others from wikiembed.document_sources as d where d.source = p_to.name;
  if v_documents.source is not null and v_others.source is null then
    v_why := format('source "%s" has no documents, so that hits would have no title and no document, as those of "%s" have', p_to.name, v_from.name);
  elsif (v_documents.relation, v_documents.key_columns) is distinct from (v_others.relation, v_others.key_columns)
    or v_documents.source is null and (v_from.relation, v_from.key_columns) is distinct from (p_to.relation, p_to.key_columns)
  then
    v_why := format('source "%s" has another table or key than "%s"', p_to.name, v_from.name);
  elsif v_from.text_config is not null and p_to.text_config is null then
    v_why := format('source "%s" has no index for search by text, as "%s" has', p_to.name, v_from.name);
    v_hint := format('Build it: `wikiembed index --text --source %s`. ', p_to.name);
  elsif wikiembed_private.has_vector_index(v_from) and not wikiembed_private.has_vector_index(p_to) then
    v_why := format('source "%s" has no index of vectors, as "%s" has', p_to.name, v_from.name);
    v_hint := format('Build it: `wikiembed index --source %s`. ', p_to.name);
  end if;
  if v_why is not null then
    raise exception '%', v_why
      using errcode = 'WE010', hint = coalesce(v_hint, '') || 'To switch nevertheless, give --anyway, in SQL p_anyway => true.';
  end if;
end;
$$;
comment on function wikiembed_private.require_alike(text, wikiembed.sources) is
  'Raises WE010 when searches in a source would differ from those in the present one by more than the model.';

create or replace function wikiembed_private.has_vector_index(p_source wikiembed.sources) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from pg_depend as d
      join pg_index as i on i.indexrelid = d.objid and i.indisvalid
      join pg_class as c on c.oid = i.indexrelid
      join pg_am as m on m.oid = c.relam
     where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
       and d.refobjid in (select r from wikiembed_private.relations_of(p_source.relation) as r)
       and d.refobjsubid = (select a.attnum from pg_attribute as a
                             where a.attrelid = d.refobjid and a.attname = p_source.embedding_column and not a.attisdropped)
       and m.amname in ('hnsw', 'ivfflat'));
$$;
comment on function wikiembed_private.has_vector_index(wikiembed.sources) is
  'Whether a valid index of vectors is on a source''s column, or on an expression of it.';

-- Reconcile detaches the source of a table that was dropped, and must not be refused.
create or replace function wikiembed_private.release_names(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
begin
  for v_name in
    select n.name from wikiembed.search_names as n where n.source = p_source.name order by n.name
  loop
    if not wikiembed_private.is_gone(p_source) then
      raise exception 'searches for "%" use source "%"', v_name, p_source.name
        using errcode = 'WE010',
              hint = format('Switch the name to another source first, `wikiembed switch %1$s --to SOURCE`, or forget it: `wikiembed switch %1$s --drop`.', v_name);
    end if;
    delete from wikiembed.search_names as n where n.name = v_name;
    perform wikiembed_private.log_action('switch', v_name, null, jsonb_build_object('from', p_source.name, 'to', null));
  end loop;
end;
$$;
comment on function wikiembed_private.release_names(wikiembed.sources) is
  'Raises WE010 while a name is switched to a source; forgets the names of one whose table was dropped.';
