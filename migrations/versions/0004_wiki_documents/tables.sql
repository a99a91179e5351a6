-- squawk-ignore-file renaming-column, ban-drop-column, adding-not-nullable-field, constraint-missing-not-valid, adding-foreign-key-constraint, disallowed-unique-constraint, ban-drop-constraint
-- The text of a page that is there becomes that of its chunks, in order, with a blank line between them: so
-- each chunk is its page's text from starts_at to ends_at, keeps its vector, and nothing is embedded again.
-- Every row of both tables is written once. Meanwhile their triggers are disabled, since no text of a chunk
-- changes, and indexes that are expensive to insert into (of vectors, of words) are dropped and built again.
-- No nested loop: without statistics one would read all chunks for each page.
do $$
declare
  v_chunks regclass := pg_catalog.to_regclass('public.wiki_chunks');
  v_is_new boolean;
  v_trigger record;
  v_triggers jsonb;
  v_index record;
  v_indexes jsonb;
begin
  if v_chunks is null or pg_catalog.to_regclass('public.wiki_pages') is null then
    return;
  end if;
  v_is_new := exists (select from pg_attribute as a where a.attrelid = v_chunks and a.attname = 'document_id');
  if v_is_new then
    alter table public.wiki_pages drop column if exists digest;
    alter table public.wiki_chunks drop column if exists page_id;
    return;
  end if;
  perform set_config('wikiembed.writing_triggers', 'on', true);
  perform set_config('enable_nestloop', 'off', true);
  set constraints all immediate;
  v_triggers := (
    select coalesce(jsonb_agg(jsonb_build_object('relation', t.tgrelid::regclass::text, 'name', t.tgname,
             'state', case t.tgenabled when 'A' then 'enable always' when 'R' then 'enable replica' else 'enable' end)), '[]')
      from pg_trigger as t
     where t.tgrelid in (v_chunks, 'public.wiki_pages'::regclass) and not t.tgisinternal and t.tgenabled <> 'D');
  for v_trigger in select * from jsonb_to_recordset(v_triggers) as t (relation text, name text) loop
    execute format('alter table %s disable trigger %I', v_trigger.relation, v_trigger.name);
  end loop;
  v_indexes := (
    select coalesce(jsonb_agg(jsonb_build_object(
             'name', format('%I.%I', n.nspname, c.relname), 'definition', pg_get_indexdef(c.oid),
             'tablespace', coalesce(s.spcname, ''), 'comment', obj_description(c.oid, 'pg_class'))), '[]')
      from pg_index as i
      join pg_class as c on c.oid = i.indexrelid
      join pg_namespace as n on n.oid = c.relnamespace
      join pg_am as m on m.oid = c.relam
      left join pg_tablespace as s on s.oid = c.reltablespace
     where i.indrelid = v_chunks and i.indisvalid and m.amname not in ('btree', 'hash', 'brin')
       and not exists (select from pg_constraint as k where k.conindid = c.oid));
  for v_index in select * from jsonb_to_recordset(v_indexes) as i (name text) loop
    execute format('drop index %s', v_index.name);
  end loop;

  alter table public.wiki_chunks rename column page_id to document_id;
  alter table public.wiki_chunks
    add column context text,
    add column heading text not null default '',
    add column starts_at integer,
    add column ends_at integer;
  execute (
    select format('alter table public.wiki_chunks %s', string_agg(format('drop constraint %I', k.conname), ', '))
      from pg_constraint as k
     where k.conrelid = v_chunks
       and (k.conname = 'a_place_holds_one_chunk' or k.contype = 'f' and k.confrelid = 'public.wiki_pages'::regclass));
  alter table public.wiki_pages add column content text;

  update public.wiki_pages as p
     set content = coalesce(g.content, '')
    from (select q.id, string_agg(c.content, e'\n\n' order by c.position, c.id) as content
            from public.wiki_pages as q left join public.wiki_chunks as c on c.document_id = q.id
           group by q.id) as g
   where g.id = p.id;
  update public.wiki_chunks as c
     set position = g.position, starts_at = g.starts_at, ends_at = g.starts_at + length(c.content)
    from (select o.id, row_number() over place - 1 as position,
                 coalesce(sum(length(o.content) + 2) over (place rows between unbounded preceding and 1 preceding), 0) as starts_at
            from public.wiki_chunks as o
          window place as (partition by o.document_id order by o.position, o.id)) as g
   where g.id = c.id;

  alter table public.wiki_pages alter column content set not null;
  alter table public.wiki_pages drop column digest;
  alter table public.wiki_chunks
    alter column starts_at set not null,
    alter column ends_at set not null,
    add constraint a_position_is_from_0 check (position >= 0),
    add constraint a_chunk_ends_after_its_start check (0 <= starts_at and starts_at <= ends_at),
    add constraint a_place_holds_one_chunk unique (document_id, position) deferrable initially deferred,
    add constraint a_chunk_belongs_to_a_page
      foreign key (document_id) references public.wiki_pages (id) on update cascade on delete cascade;
  for v_index in select * from jsonb_to_recordset(v_indexes) as i (name text, definition text, tablespace text, comment text) loop
    perform set_config('default_tablespace', v_index.tablespace, true);
    execute v_index.definition;
    if v_index.comment is not null then
      execute format('comment on index %s is %L', v_index.name, v_index.comment);
    end if;
  end loop;
  perform set_config('default_tablespace', '', true);
  for v_trigger in select * from jsonb_to_recordset(v_triggers) as t (relation text, name text, state text) loop
    execute format('alter table %s %s trigger %I', v_trigger.relation, v_trigger.state, v_trigger.name);
  end loop;
  perform set_config('enable_nestloop', 'on', true);
  perform set_config('wikiembed.writing_triggers', 'off', true);
  perform set_config('wikiembed.wiki_is_split', 'on', true);
end;
$$;
do $$
begin
  if to_regclass('public.wiki_chunks') is null or to_regclass('public.wiki_pages') is null then
    return;
  end if;
  comment on table public.wiki_pages is
    'One row per page of wikiembed''s wiki; written by load_pages, and by anyone who may: workers split what is written.';
  comment on column public.wiki_pages.title is 'Its title, which precedes each of its chunks when it is embedded.';
  comment on column public.wiki_pages.content is 'Its plain text, with headings as == lines ==.';
  comment on column public.wiki_pages.loaded_at is 'When load_pages wrote it last.';
  comment on table public.wiki_chunks is
    'The chunks of the pages of wikiembed''s wiki, written by workers; embedding null means to do.';
  comment on column public.wiki_chunks.document_id is 'Its page.';
  comment on column public.wiki_chunks.context is 'Title and heading, which precede the text when it is embedded; null: none.';
  comment on column public.wiki_chunks.content is 'Its text: that of the page from starts_at to ends_at.';
  comment on column public.wiki_chunks.heading is 'The headings above it, joined by " / "; empty before the first.';
  comment on column public.wiki_chunks.starts_at is 'Where it begins in the page''s text, in characters from 0.';
  comment on column public.wiki_chunks.ends_at is 'Where it ends, in characters, exclusive.';
  comment on column public.wiki_chunks.embedding is 'The vector of context and text; written by workers.';
end;
$$;
