-- The triggers of a table of documents: they mark a document as waiting, and queue it, in the writer's transaction.
-- Where no event trigger follows renames, each looks first whether a column or the table was dropped or renamed:
-- then the user's statement is done, and a reconcile is queued, which finds what was written meanwhile. To look
-- costs an insert of one document a fifth of what the trigger costs.
create or replace function wikiembed_private.follows_ddl() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (select from pg_event_trigger as e where e.evtname = 'wikiembed_on_ddl' and e.evtenabled in ('O', 'A'));
$$;
comment on function wikiembed_private.follows_ddl() is
  'True while an event trigger follows renamed and dropped columns; only a superuser can create it.';

create or replace function wikiembed_private.document_trigger_version() returns integer
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.trigger_version() # wikiembed_private.follows_ddl()::integer;
$$;
comment on function wikiembed_private.document_trigger_version() is
  'Digest of the functions that generate the triggers of documents, and of whether these look for altered columns.';

-- After a column was dropped, until reconcile releases the documents.
create or replace function wikiembed_private.generate_idle_document_triggers(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_event text;
begin
  foreach v_event in array array['insert', 'update', 'delete'] loop
    execute format($sql$
      create or replace function wikiembed_private.%I() returns trigger
      language plpgsql security definer
      set search_path = pg_catalog, pg_temp
      as %L
    $sql$, 'on_document_' || v_event || '_' || p_name,
      format('begin perform wikiembed_private.queue_reconcile(%L); return null; end', p_name));
  end loop;
  update wikiembed.document_sources as d set trigger_version = 0 where d.source = p_name collate "default";
  perform wikiembed_private.queue_reconcile(p_name);
end;
$$;
comment on function wikiembed_private.generate_idle_document_triggers(text) is
  'Makes the triggers of a source''s documents only queue a reconcile.';

create or replace function wikiembed_private.generate_document_triggers(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row wikiembed.sources := wikiembed_private.document_row(p_name);
  v_names jsonb := wikiembed_private.document_names(p_name);
begin
  execute wikiembed_private.render_template(v_row, $template$
    create or replace function wikiembed_private.@document_insert@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set jit = off
    as $body$
    begin
      if @is_altered@ then
        perform wikiembed_private.queue_reconcile(@source@);
        return null;
      end if;
      insert into @state@ as s (key)
      select @key_of(n)@ from new_rows as n
          on conflict (key) do update set version = null;
      with queued as (select @key_of(n)@ as key, 10 as priority from new_rows as n)
      @split_jobs@;
      return null;
    end;
    $body$
  $template$, v_names);
  execute wikiembed_private.render_template(v_row, $template$
    create or replace function wikiembed_private.@document_update@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_nestloop = off
    set enable_mergejoin = off
    set jit = off
    as $body$
    declare
      v_changed text[];
      v_removed text[];
    begin
      if @is_altered@ then
        perform wikiembed_private.queue_reconcile(@source@);
        return null;
      end if;
      v_changed := array(
        select @key_of(n)@ from new_rows as n
         where not exists (
           select from old_rows as o
            where @same_key(o, n)@
              and @text_of(o)@ collate "C" is not distinct from @text_of(n)@ collate "C"
              and @title_o@ collate "C" is not distinct from @title_n@ collate "C"));
      v_removed := array(
        select @key_of(o)@ from old_rows as o
         where not exists (select from new_rows as n where @same_key(n, o)@));
      if cardinality(v_removed) > 0 then
        v_removed := array(
          select k.key from unnest(v_removed) as k (key)
           where (select true from @table@ as d where @is_text_key(d, k.key)@ and @key_of(d)@ collate "C" = k.key) is null);
        delete from @state@ as s where s.key = any (v_removed collate "C");
        perform wikiembed_private.end_document_failures(@source@, v_removed, 'changed');
      end if;
      if cardinality(v_changed) > 0 then
        insert into @state@ as s (key)
        select k from unnest(v_changed) as k order by k collate "C"
            on conflict (key) do update set version = null;
        perform wikiembed_private.end_document_failures(@source@, v_changed, 'changed');
        with queued as (select k as key, 10 as priority from unnest(v_changed) as k)
        @split_jobs@;
      end if;
      return null;
    end;
    $body$
  $template$, v_names);
  execute wikiembed_private.render_template(v_row, $template$
    create or replace function wikiembed_private.@document_delete@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set jit = off
    as $body$
    declare
      v_removed text[];
    begin
      if @is_altered@ then
        perform wikiembed_private.queue_reconcile(@source@);
        return null;
      end if;
      v_removed := array(
        select o.key from (select @key_of(o)@ as key from old_rows as o) as o
         where (select true from @table@ as d where @is_text_key(d, o.key)@ and @key_of(d)@ collate "C" = o.key) is null);
      delete from @state@ as s where s.key = any (v_removed collate "C");
      perform wikiembed_private.end_document_failures(@source@, v_removed, 'deleted');
      return null;
    end;
    $body$
  $template$, v_names);
  execute wikiembed_private.render_template(v_row, $template$
    create or replace function wikiembed_private.@document_truncate@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $body$
    begin
      delete from @state@;
      perform wikiembed_private.end_document_failures(@source@, null, 'deleted');
      perform wikiembed_private.queue_reconcile(@source@);
      return null;
    end;
    $body$
  $template$, v_names);
end;
$$;
comment on function wikiembed_private.generate_document_triggers(text) is
  'Generates the functions of a document table''s triggers.';

-- Idempotent: attach_documents, reconcile and every migration that changes a template call it.
create or replace function wikiembed_private.write_document_triggers(p_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row wikiembed.sources := wikiembed_private.document_row(p_name);
  v_relation regclass;
  v_event text;
  v_function regprocedure;
begin
  perform set_config('wikiembed.writing_triggers', 'on', true);
  perform wikiembed_private.generate_document_triggers(p_name);
  perform wikiembed_private.generate_read_document(p_name);
  perform wikiembed_private.generate_split_documents(p_name);
  perform wikiembed_private.write_search(p_name);
  for v_relation in select wikiembed_private.relations_of(v_row.relation) loop
    foreach v_event in array array['insert', 'update', 'delete', 'truncate'] loop
      execute format(
        'create or replace trigger %1$I after %2$s on %3$s %4$s for each statement execute function wikiembed_private.%5$I()',
        'wikiembed_' || p_name || '_document_' || v_event, v_event, wikiembed_private.qualified(v_relation),
        case v_event when 'insert' then 'referencing new table as new_rows'
                     when 'update' then 'referencing old table as old_rows new table as new_rows'
                     when 'delete' then 'referencing old table as old_rows' else '' end,
        'on_document_' || v_event || '_' || p_name);
      execute format('comment on trigger %I on %s is %L', 'wikiembed_' || p_name || '_document_' || v_event,
        wikiembed_private.qualified(v_relation), 'Queues documents of wikiembed source ' || p_name || '.');
    end loop;
  end loop;
  for v_function in
    select p.oid from pg_proc as p
     where p.pronamespace = 'wikiembed_private'::regnamespace
       and p.proname = any (array['on_document_insert_' || p_name, 'on_document_update_' || p_name, 'on_document_delete_' || p_name,
             'on_document_truncate_' || p_name, 'read_document_' || p_name, 'split_documents_' || p_name] collate "C")
  loop
    execute format('revoke all on function %s from public', v_function);
    execute format('comment on function %s is %L', v_function, wikiembed_private.generated_comment(p_name));
  end loop;
  update wikiembed.document_sources as d
     set trigger_version = wikiembed_private.document_trigger_version(), written_as = wikiembed_private.documents_written_as(p_name)
   where d.source = p_name collate "default";
  perform set_config('wikiembed.writing_triggers', 'off', true);
end;
$$;
comment on function wikiembed_private.write_document_triggers(text) is
  'Writes the functions and triggers of a source''s document table, on it and on every partition.';
