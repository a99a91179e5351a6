-- Documents are tables of texts that workers split into chunks. A table of state per source has a row for
-- each document: version null means that it waits to be split, as a null vector does for a chunk. Triggers
-- set it to null and queue the document in the writer's transaction; write_split sets it, under compare and
-- set, together with the chunks. Locks: the document first, for key share, then its state; a worker
-- skips what is locked, so that a writer waits for it for the time of one write at most. A key that a statement
-- removes may be in the table all the same: a trigger that leaves a redirect under the former key, or an insert
-- that ran in the same statement, has recorded it already.
create or replace function wikiembed_private.document_row(p_name text) returns wikiembed.sources
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_documents wikiembed.document_sources;
  v_row wikiembed.sources;
begin
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  if not found then
    return null;
  end if;
  v_row.name := p_name;
  v_row.queue_name := 'embed_' || p_name;
  v_row.relation := v_documents.relation;
  v_row.key_columns := v_documents.key_columns;
  v_row.key_types := v_documents.key_types;
  v_row.key_column := v_documents.key_columns[1];
  v_row.text_columns := v_documents.text_columns;
  v_row.text_paths := v_documents.text_paths;
  v_row.embedding_column := '';
  return v_row;
end;
$$;
comment on function wikiembed_private.document_row(text) is
  'The documents of a source in the shape of a source, for render_template; null when it has none.';

create or replace function wikiembed_private.key_part(p_documents wikiembed.sources, p_key text, p_number bigint) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case when cardinality(p_documents.key_types) = 1
              then format('%s::%s', p_key, wikiembed_private.array_type(p_documents.key_types[1]))
              else format('(%s::jsonb ->> %s)::%s', p_key, p_number - 1, wikiembed_private.array_type(p_documents.key_types[p_number])) end;
$$;
comment on function wikiembed_private.key_part(wikiembed.sources, text, bigint) is
  'Returns the SQL expression of one column of a document''s key, of the key as text.';

-- What the templates of documents name besides a source's: the columns of the chunk table that hold the
-- document's key, the title, and the hash of a document's text and title.
create or replace function wikiembed_private.document_names(p_name text) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_documents wikiembed.document_sources;
  v_row wikiembed.sources := wikiembed_private.document_row(p_name);
  v_columns name[] := wikiembed_private.chunk_key_columns(p_name);
  v_names jsonb;
  v_alias text;
begin
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  select jsonb_build_object(
           'chunks', wikiembed_private.qualified(s.relation),
           'chunks_literal', quote_literal(wikiembed_private.qualified(s.relation)),
           'state', format('wikiembed_private.%I', 'documents_' || p_name),
           'fk_columns', (select string_agg(quote_ident(k.name), ', ' order by k.number) from unnest(v_columns) with ordinality as k (name, number)),
           'fk_values', (select string_agg(wikiembed_private.key_part(v_row, 'k.key', k.number), ', ' order by k.number)
                           from unnest(v_columns) with ordinality as k (name, number)),
           'fk_is_key', (select string_agg(format('c.%I = %s', k.name, wikiembed_private.key_part(v_row, 'k.key', k.number)),
                                           ' and ' order by k.number)
                           from unnest(v_columns) with ordinality as k (name, number)),
           'fk_equals', (select string_agg(format('c.%I = d.%I', k.chunk, k.name), ' and ' order by k.number)
                           from unnest(v_documents.key_columns, v_columns) with ordinality as k (name, chunk, number)))
    into v_names
    from wikiembed.sources as s where s.name = p_name collate "default";
  foreach v_alias in array array['d', 'n', 'o'] loop
    v_names := v_names || jsonb_build_object(
      'title_' || v_alias, case when v_documents.title_column is null then 'null::text'
                                else format('%s.%I::text', v_alias, v_documents.title_column) end,
      'hash_' || v_alias, format('hashtextextended((coalesce(%s, '''') || e''\x1f'' || coalesce(%s, '''')) collate "C", v_generation)',
        wikiembed_private.text_expression(v_row, v_alias),
        case when v_documents.title_column is null then 'null::text'
             else format('%s.%I::text', v_alias, v_documents.title_column) end));
  end loop;
  return v_names || jsonb_build_object(
    'document_insert', quote_ident('on_document_insert_' || p_name), 'document_update', quote_ident('on_document_update_' || p_name),
    'document_delete', quote_ident('on_document_delete_' || p_name), 'document_truncate', quote_ident('on_document_truncate_' || p_name),
    'read_document', quote_ident('read_document_' || p_name), 'split_documents', quote_ident('split_documents_' || p_name));
end;
$$;
comment on function wikiembed_private.document_names(text) is
  'The names that templates of documents use besides those of a source.';

create or replace function wikiembed_private.documents_written_as(p_name text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.render_template(
    wikiembed_private.document_row(p_name), '@table@ (@key_list@; @text_of(d)@; @title_d@) @chunks@ (@fk_columns@)',
    wikiembed_private.document_names(p_name));
$$;
comment on function wikiembed_private.documents_written_as(text) is
  'The names that a source''s generated functions of documents depend on.';

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
      insert into @state@ as s (key)
      select @key_of(n)@ from new_rows as n
          on conflict (key) do update set version = null;
      insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
      select @queue@, 'wikiembed.split', 10, jsonb_build_object('source', @source@, 'documents', to_jsonb(array_agg(m.key)))
        from (select @key_of(n)@ as key, (row_number() over () - 1) / 16 as batch from new_rows as n) as m
       group by m.batch
       order by m.batch;
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
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        select @queue@, 'wikiembed.split', 10, jsonb_build_object('source', @source@, 'documents', to_jsonb(array_agg(m.key)))
          from (select k as key, (row_number() over () - 1) / 16 as batch from unnest(v_changed) as k) as m
         group by m.batch
         order by m.batch;
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
      v_removed text[] := array(
        select o.key from (select @key_of(o)@ as key from old_rows as o) as o
         where (select true from @table@ as d where @is_text_key(d, o.key)@ and @key_of(d)@ collate "C" = o.key) is null);
    begin
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

create or replace function wikiembed_private.generate_read_document(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(wikiembed_private.document_row(p_name), $template$
    create or replace function wikiembed_private.@read_document@(p_keys text[], p_most_bytes bigint)
    returns table (key text, title text, content text, version bigint, chunks jsonb)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_keys text[] := p_keys;
    begin
      lock table only @table@ in row share mode;
      select g.generation into v_generation from wikiembed.document_sources as g where g.source = @source@;
      if p_most_bytes is not null and cardinality(p_keys) > 1 then
        v_keys := array(
          select b.key
            from (
              select l.key, sum(l.bytes) over (order by l.key collate "C" rows between unbounded preceding and 1 preceding) as before
                from (
                  select @key_of(d)@ as key, octet_length(@text_of(d)@) as bytes
                    from @table@ as d
                   where @has_key(d, p_keys)@
                     and exists (select from @state@ as s where s.key = @key_of(d)@ collate "C" and s.version is null)
                     for key share of d skip locked
                ) as l
            ) as b
           where coalesce(b.before, 0) < p_most_bytes);
      end if;
      return query
        select @key_of(d)@, @title_d@, @text_of(d)@, @hash_d@,
               coalesce((
                 select jsonb_agg(jsonb_build_object('id', c.id, 'context', c.context, 'content', c.content, 'position', c.position)
                                  order by c.position)
                   from @chunks@ as c where @fk_equals@), '[]')
          from @table@ as d
         where @has_key(d, v_keys)@
           and exists (select from @state@ as s where s.key = @key_of(d)@ collate "C" and s.version is null)
           for key share of d skip locked;
    end;
    $body$
  $template$, wikiembed_private.document_names(p_name));
end;
$$;
comment on function wikiembed_private.generate_read_document(text) is
  'Generates the function that reads a source''s documents.';

-- Documents and chunks are numbered arrays; v_valid, v_held and so on are numbers of documents. The state is
-- locked before the text is read: a text that changes later has a trigger that waits for this write.
-- The ids that the caller read must still be all of the document's chunks: a chunk table that was altered
-- by hand meanwhile is read again. Statements of nothing are left out, since their triggers cost as much as
-- those of one row.
create or replace function wikiembed_private.generate_split_documents(p_name text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.render_template(wikiembed_private.document_row(p_name), $template$
    create or replace function wikiembed_private.@split_documents@(
      p_keys text[], p_versions bigint[], p_old_documents integer[], p_old bigint[], p_documents integer[], p_ids bigint[],
      p_contexts text[], p_contents text[], p_headings text[], p_starts integer[], p_ends integer[])
    returns table (key text, outcome text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_held bigint[];
      v_read bigint[];
      v_valid bigint[];
      v_altered bigint[];
      v_locked bigint[] := '{}';
      v_chunks bigint[];
      v_removed bigint[];
    begin
      lock table only @table@ in row share mode;
      lock table only @chunks@ in row exclusive mode;
      select g.generation into v_generation from wikiembed.document_sources as g
       where g.source = @source@ for key share skip locked;
      if not found then
        return query select k, case when exists (select from wikiembed.document_sources as g where g.source = @source@)
                                    then 'locked' else 'gone' end
          from unnest(p_keys) as k;
        return;
      end if;
      v_held := array(
        select k.number
          from (select k.key, k.number from unnest(p_keys) with ordinality as k (key, number) order by k.key collate "C") as k
         cross join lateral (select from @state@ as s where s.key = k.key collate "C" for update skip locked) as s);
      select coalesce(array_agg(k.number), '{}'), coalesce(array_agg(k.number) filter (where d.version = k.version), '{}')
        into v_read, v_valid
        from (
          select k.key, k.version, k.number from unnest(p_keys, p_versions) with ordinality as k (key, version, number)
           where k.number = any (v_held) order by k.key collate "C"
        ) as k
       cross join lateral (select @hash_d@ as version from @table@ as d where @is_text_key(d, k.key)@ for key share of d skip locked) as d;
      if cardinality(p_old) > 0 then
        v_chunks := array(
          select c.id from unnest(p_keys) with ordinality as k (key, number)
           cross join lateral (select c.id from @chunks@ as c where @fk_is_key@ for no key update of c skip locked) as c
           where k.number = any (v_valid));
        with present as (
          select k.number, c.id, l.id as locked from unnest(p_keys) with ordinality as k (key, number)
            join @chunks@ as c on @fk_is_key@
            left join unnest(v_chunks) as l (id) on l.id = c.id
           where k.number = any (v_valid)
        ), old as (
          select o.number::bigint, o.id from unnest(p_old_documents, p_old) as o (number, id) where o.number = any (v_valid)
        )
        select coalesce(array_agg(distinct coalesce(p.number, o.number)) filter (where p.id is null or o.id is null), '{}'),
               coalesce(array_agg(distinct p.number) filter (where p.id is not null and p.locked is null), '{}')
          into v_altered, v_locked
          from present as p full join old as o on o.id = p.id and o.number = p.number;
      else
        v_altered := array(
          select k.number from unnest(p_keys) with ordinality as k (key, number)
           where k.number = any (v_valid) and exists (select from @chunks@ as c where @fk_is_key@));
      end if;
      v_valid := array(select v from unnest(v_valid) as v where not v = any (v_altered || v_locked));
      if cardinality(p_old) > 0 then
        v_removed := array(
          select o.id from unnest(p_old_documents, p_old) as o (number, id)
           where o.number = any (v_valid) and not exists (select from unnest(p_ids) as i (id) where i.id = o.id));
        if cardinality(v_removed) > 0 then
          delete from @chunks@ as c where c.id = any (v_removed);
        end if;
        update @chunks@ as c
           set position = g.position, context = g.context, content = g.content, heading = g.heading,
               starts_at = g.starts_at, ends_at = g.ends_at
          from (
            select g.*, (row_number() over (partition by g.document order by g.number) - 1)::integer as position
              from unnest(p_documents, p_ids, p_contexts, p_contents, p_headings, p_starts, p_ends)
                   with ordinality as g (document, id, context, content, heading, starts_at, ends_at, number)
          ) as g
         where c.id = g.id and g.document = any (v_valid)
           and (c.position, c.context, c.content, c.heading, c.starts_at, c.ends_at)
               is distinct from (g.position, g.context, g.content, g.heading, g.starts_at, g.ends_at);
      end if;
      insert into @chunks@ (@fk_columns@, position, context, content, heading, starts_at, ends_at)
      select @fk_values@, g.position, g.context, g.content, g.heading, g.starts_at, g.ends_at
        from (
          select g.*, row_number() over (partition by g.document order by g.number) - 1 as position
            from unnest(p_documents, p_ids, p_contexts, p_contents, p_headings, p_starts, p_ends)
                 with ordinality as g (document, id, context, content, heading, starts_at, ends_at, number)
        ) as g
        join unnest(p_keys) with ordinality as k (key, number) on k.number = g.document
       where g.id is null and g.document = any (v_valid)
       order by g.number;
      if (select count(*) from unnest(p_documents) as g where g = any (v_valid)) <> (
        select count(*)
          from (
            select g.*, row_number() over (partition by g.document order by g.number) - 1 as position
              from unnest(p_documents, p_contexts, p_contents, p_starts, p_ends)
                   with ordinality as g (document, context, content, starts_at, ends_at, number)
          ) as g
          join unnest(p_keys) with ordinality as k (key, number) on k.number = g.document
          join @chunks@ as c on @fk_is_key@ and c.position = g.position
         where g.document = any (v_valid)
           and (c.context collate "C", c.content collate "C", c.starts_at, c.ends_at)
               is not distinct from (g.context, g.content, g.starts_at, g.ends_at))
      then
        raise exception 'a trigger of % discarded or altered a chunk', @chunks_literal@
          using errcode = 'WE012', hint = 'A before trigger returned null or another row.';
      end if;
      update @state@ as s set version = k.version, chunks = k.chunks, split_at = clock_timestamp()
        from (
          select k.key, k.version, (select count(*) from unnest(p_documents) as g where g = k.number) as chunks
            from unnest(p_keys, p_versions) with ordinality as k (key, version, number)
           where k.number = any (v_valid)
        ) as k
       where s.key = k.key collate "C";
      if exists (select from wikiembed.document_failures as f where f.source = @source@) then
        perform wikiembed_private.end_document_failures(@source@,
          array(select k.key from unnest(p_keys) with ordinality as k (key, number) where k.number = any (v_valid)), 'cured');
      end if;
      return query
        select k.key, case when k.number = any (v_valid) then 'written'
                           when k.number = any (v_altered) then 'stale'
                           when k.number = any (v_locked) then 'locked'
                           when k.number = any (v_read) then 'stale'
                           when exists (select from @table@ as d where @is_text_key(d, k.key)@) then 'locked'
                           else 'gone' end
          from unnest(p_keys) with ordinality as k (key, number)
         order by k.number;
    end;
    $body$
  $template$, wikiembed_private.document_names(p_name));
end;
$$;
comment on function wikiembed_private.generate_split_documents(text) is
  'Generates the function that replaces the chunks of a source''s documents.';

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
     set trigger_version = wikiembed_private.trigger_version(), written_as = wikiembed_private.documents_written_as(p_name)
   where d.source = p_name collate "default";
  perform set_config('wikiembed.writing_triggers', 'off', true);
end;
$$;
comment on function wikiembed_private.write_document_triggers(text) is
  'Writes the functions and triggers of a source''s document table, on it and on every partition.';
