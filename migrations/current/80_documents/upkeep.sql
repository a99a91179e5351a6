-- What keeps a table of documents attached: renames are followed, a dropped table is released, and what
-- bypassed the triggers is repaired.
create or replace function wikiembed_private.document_triggers_of(p_name text) returns table (relation regclass, trigger name, enabled boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select t.tgrelid::regclass, t.tgname, t.tgenabled in ('O', 'A')
    from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
   where p.pronamespace = 'wikiembed_private'::regnamespace
     and p.proname = any (array['on_document_insert_' || p_name, 'on_document_update_' || p_name,
                                'on_document_delete_' || p_name, 'on_document_truncate_' || p_name] collate "C");
$$;
comment on function wikiembed_private.document_triggers_of(text) is
  'The triggers of a source''s documents, on any table, and whether each is enabled.';

create or replace function wikiembed_private.documents_gone(p_name text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.lacks_columns(
           d.relation, d.key_columns || d.text_columns || d.title_column, d.key_attnums || d.text_attnums || d.title_attnum)
    from wikiembed.document_sources as d where d.source = p_name collate "default";
$$;
comment on function wikiembed_private.documents_gone(text) is
  'True when a source''s table of documents, or a column of it that is used, was dropped; null when it has none.';

create or replace function wikiembed_private.document_tree_current(p_name text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    (select r, 'wikiembed_' || p_name || '_document_' || e
       from wikiembed_private.relations_of(d.relation) as r, unnest(array['insert', 'update', 'delete', 'truncate']) as e
     except
     select o.relation, o.trigger from wikiembed_private.document_triggers_of(p_name) as o)
    union all
    (select o.relation, o.trigger from wikiembed_private.document_triggers_of(p_name) as o
      where o.relation not in (select wikiembed_private.relations_of(d.relation))))
    from wikiembed.document_sources as d where d.source = p_name collate "default";
$$;
comment on function wikiembed_private.document_tree_current(text) is
  'True when the table of a source''s documents and every partition of it, and no other, have their triggers; null when it has none.';

create or replace function wikiembed_private.document_names_current(p_name text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select d.written_as = wikiembed_private.documents_written_as(p_name)
     and not wikiembed_private.lacks_columns(d.relation, d.key_columns || d.text_columns || d.title_column, null)
    from wikiembed.document_sources as d where d.source = p_name collate "default";
$$;
comment on function wikiembed_private.document_names_current(text) is
  'True when the triggers of a source''s documents use the present names of tables and columns; null when it has none.';

create or replace function wikiembed_private.document_triggers_current(p_name text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select d.trigger_version = wikiembed_private.document_trigger_version()
     and wikiembed_private.document_names_current(p_name)
     and wikiembed_private.document_tree_current(p_name)
     and not exists (select from wikiembed_private.document_triggers_of(p_name) as o where not o.enabled)
    from wikiembed.document_sources as d where d.source = p_name collate "default";
$$;
comment on function wikiembed_private.document_triggers_current(text) is
  'True when every trigger of a source''s documents exists, is enabled, and has this version and the present names; null when it has none.';

-- Without a foreign key the columns of the chunk table that hold a document's key are found by their names,
-- which are renamed too.
create or replace function wikiembed_private.follow_document_renames(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_documents wikiembed.document_sources;
  v_keys pg_attribute[];
  v_texts pg_attribute[];
  v_title pg_attribute;
  v_chunks text;
begin
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  v_keys := array(
    select wikiembed_private.find_column(v_documents.relation, c.name, c.attnum)
      from unnest(v_documents.key_columns, v_documents.key_attnums) with ordinality as c (name, attnum, number)
     order by c.number);
  v_texts := array(
    select wikiembed_private.find_column(v_documents.relation, c.name, c.attnum)
      from unnest(v_documents.text_columns, v_documents.text_attnums) with ordinality as c (name, attnum, number)
     order by c.number);
  if v_documents.title_column is not null then
    v_title := wikiembed_private.find_column(v_documents.relation, v_documents.title_column, v_documents.title_attnum);
  end if;
  select wikiembed_private.qualified(s.relation) into v_chunks from wikiembed.sources as s
   where s.name = p_name collate "default"
     and not exists (
       select from pg_constraint as f
        where f.contype = 'f' and f.conrelid = s.relation and f.confrelid = v_documents.relation);
  for v_i in 1 .. cardinality(v_keys) loop
    if v_chunks is not null and v_keys[v_i].attname <> v_documents.key_columns[v_i] then
      execute format('alter table %s rename column %I to %I', v_chunks,
        'document_' || v_documents.key_columns[v_i], 'document_' || v_keys[v_i].attname);
    end if;
  end loop;
  update wikiembed.document_sources as d
     set key_columns = array(select k.attname from unnest(v_keys) as k),
         key_attnums = array(select k.attnum from unnest(v_keys) as k),
         text_columns = array(select t.attname from unnest(v_texts) as t),
         text_attnums = array(select t.attnum from unnest(v_texts) as t),
         title_column = v_title.attname, title_attnum = v_title.attnum
   where d.source = p_name collate "default";
end;
$$;
comment on function wikiembed_private.follow_document_renames(text) is
  'Updates the column names of a source''s documents after a rename. Raises WE006 when one was dropped.';

-- Drops the triggers of partitions that were detached, since they would go on queueing. Documents that came with
-- a partition wait from now on, so that the source is not ready until reconcile has queued them.
create or replace function wikiembed_private.renew_document_triggers(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_relation regclass;
  v_trigger name;
  v_added text[];
begin
  perform set_config('wikiembed.writing_triggers', 'on', true);
  perform wikiembed_private.follow_document_renames(p_name);
  if not wikiembed_private.document_triggers_current(p_name) then
    for v_relation in
      select r from wikiembed.document_sources as d, wikiembed_private.relations_of(d.relation) as r join pg_class as c on c.oid = r
       where d.source = p_name collate "default" and c.relkind = 'r'
         and r not in (select o.relation from wikiembed_private.document_triggers_of(p_name) as o)
    loop
      execute wikiembed_private.render_template(
        wikiembed_private.document_row(p_name), $sql$
          with added as (
            insert into @state@ (key) select @key_of(d)@ from @partition@ as d on conflict do nothing returning key
          )
          select array(select a.key from added as a)
        $sql$, wikiembed_private.document_names(p_name) || jsonb_build_object('partition', wikiembed_private.qualified(v_relation)))
        into v_added;
      if exists (select from wikiembed.sources as s where s.name = p_name collate "default" and s.held_back_at is null) then
        perform wikiembed_private.queue_documents(p_name, v_added, 0);
      end if;
    end loop;
    for v_relation, v_trigger in
      select o.relation, o.trigger from wikiembed_private.document_triggers_of(p_name) as o, wikiembed.document_sources as d
       where d.source = p_name collate "default" and o.relation not in (select wikiembed_private.relations_of(d.relation))
    loop
      execute format('drop trigger %I on %s', v_trigger, wikiembed_private.qualified(v_relation));
    end loop;
    perform wikiembed_private.write_document_triggers(p_name);
  end if;
  perform set_config('wikiembed.writing_triggers', 'off', true);
end;
$$;
comment on function wikiembed_private.renew_document_triggers(text) is
  'Follows renames and new partitions of a source''s documents, and writes triggers that are missing, disabled or outdated.';

create or replace function wikiembed_private.release_documents(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_relation regclass;
  v_trigger name;
  v_function regprocedure;
begin
  for v_relation, v_trigger in
    select o.relation, o.trigger from wikiembed_private.document_triggers_of(p_name) as o
  loop
    execute format('drop trigger %I on %s', v_trigger, wikiembed_private.qualified(v_relation));
  end loop;
  if to_regclass(format('wikiembed_private.%I', 'documents_' || p_name)) is not null then
    execute format('drop table wikiembed_private.%I', 'documents_' || p_name);
  end if;
  for v_function in
    select p.oid from pg_proc as p
     where p.pronamespace = 'wikiembed_private'::regnamespace
       and p.proname ~ '_documents?_' and obj_description(p.oid, 'pg_proc') = wikiembed_private.generated_comment(p_name) collate "default"
  loop
    execute format('drop function %s', v_function);
  end loop;
  delete from wikiembed_queue.procrastinate_jobs as j
   where j.queue_name = 'embed_' || p_name and j.task_name = 'wikiembed.split';
  delete from wikiembed.document_sources as d where d.source = p_name collate "default";
end;
$$;
comment on function wikiembed_private.release_documents(text) is
  'Makes a source of documents one of chunks only: drops the triggers, functions, state and jobs of its documents; the chunks stay.';

-- Documents that bypassed the triggers, in both directions; with p_recount texts that changed unseen too. Those
-- of jobs that died are queued even while the source is held back; the rest is for enqueue.
create or replace function wikiembed_private.reconcile_documents(
  p_name text, p_recount boolean, out documents_enqueued bigint, out dead_jobs bigint
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_row wikiembed.sources;
  v_names jsonb;
  v_lost text[];
  v_gone text[];
  v_ended record;
begin
  documents_enqueued := 0; dead_jobs := 0;
  if wikiembed_private.documents_gone(p_name) then
    select count(*) into dead_jobs from wikiembed_queue.procrastinate_jobs as j
     where j.queue_name = 'embed_' || p_name and j.task_name = 'wikiembed.split';
    perform wikiembed_private.release_documents(p_name);
    perform wikiembed_private.log_action('detach', p_name, 'its table of documents, or a column of that, was dropped');
    return;
  end if;
  perform wikiembed_private.renew_document_triggers(p_name);
  v_row := wikiembed_private.document_row(p_name);
  v_names := wikiembed_private.document_names(p_name);
  execute wikiembed_private.render_template(v_row, 'lock table @table@ in access share mode');
  with deleted as (
    delete from wikiembed_queue.procrastinate_jobs as j
     where j.queue_name = 'embed_' || p_name and j.task_name = 'wikiembed.split' and j.status in ('failed', 'cancelled', 'aborted')
    returning j.id, wikiembed_private.keys_of_job(j) as keys
  )
  select count(distinct d.id), array_agg(distinct k.key) filter (where k.key is not null) into dead_jobs, v_lost
    from deleted as d left join lateral unnest(d.keys) as k (key) on true;
  execute wikiembed_private.render_template(v_row, $sql$
    insert into @state@ (key)
    select @key_of(d)@ from @table@ as d
     where not exists (select from @state@ as s where s.key = @key_of(d)@ collate "C")
        on conflict do nothing
  $sql$, v_names);
  execute wikiembed_private.render_template(v_row, $sql$
    with gone as (
      delete from @state@ as s where not exists (select from @table@ as d where @key_of(d)@ collate "C" = s.key) returning s.key
    )
    select array(select g.key from gone as g)
  $sql$, v_names) into v_gone;
  -- A partition that was dropped takes the foreign key with it, so that the chunks of its documents are left.
  if cardinality(v_gone) > 0 and (
    select wikiembed_private.missing_chunk_columns(s.relation, wikiembed_private.chunk_key_columns(p_name))
      from wikiembed.sources as s where s.name = p_name collate "default") is null
  then
    execute wikiembed_private.render_template(
      v_row, 'delete from @chunks@ as c using unnest($1) as k (key) where @fk_is_key@', v_names) using v_gone;
  end if;
  if p_recount then
    execute wikiembed_private.render_template(v_row, $sql$
      update @state@ as s set version = null
        from @table@ as d, (select g.generation as v_generation from wikiembed.document_sources as g where g.source = @source@) as g
       where @key_of(d)@ collate "C" = s.key and s.version is not null and s.version <> @hash_d@
    $sql$, v_names);
    execute wikiembed_private.render_template(v_row, $sql$
      update @state@ as s set version = null
       where s.key in (select k.key collate "C" from wikiembed_private.damaged_documents(@source@) as k (key))
    $sql$, v_names);
    execute wikiembed_private.render_template(v_row,
      'delete from @chunks@ as c where c.id in (select wikiembed_private.orphan_chunks(@source@))', v_names);
  end if;
  for v_ended in execute wikiembed_private.render_template(v_row, $sql$
    select case when s.key is null then 'deleted' else 'cured' end as how, array_agg(f.key order by f.key) as keys
      from (select f.key from wikiembed.document_failures as f where f.source = @source@ order by f.key for update skip locked) as f
      left join @state@ as s on s.key = f.key
     where s.key is null or s.version is not null
     group by 1
  $sql$, v_names) loop
    perform wikiembed_private.end_document_failures(p_name, v_ended.keys, v_ended.how);
  end loop;
  if exists (select from wikiembed.sources as s where s.name = p_name collate "default" and s.held_back_at is not null) then
    execute wikiembed_private.render_template(v_row, $sql$
      select array_agg(s.key) from @state@ as s
       where s.version is null and s.key = any ($1 collate "C")
         and not exists (select from wikiembed_private.live_keys(@queue@, 'wikiembed.split') as l where l.key = s.key)
         and not exists (select from wikiembed.document_failures as f where f.source = @source@ and f.key = s.key)
    $sql$, v_names) into v_lost using v_lost;
    documents_enqueued := coalesce(cardinality(v_lost), 0);
    perform wikiembed_private.queue_documents(p_name, v_lost, 0);
  end if;
end;
$$;
comment on function wikiembed_private.reconcile_documents(text, boolean) is
  'Repairs a source''s documents; returns the numbers of documents that were queued although the source is held back, and of jobs that ended without their work.';
