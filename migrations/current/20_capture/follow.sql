-- The name is used while a column has it; after that the column number finds the new
-- name. Numbers are refreshed, since a restore assigns new ones.
create or replace function wikiembed_private.follow_renames(p_name text) returns wikiembed.sources
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
  v_keys pg_attribute[];
  v_texts pg_attribute[];
  v_embedding pg_attribute;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  v_keys := array(
    select wikiembed_private.find_column(v_source.relation, c.name, c.attnum)
      from unnest(v_source.key_columns, v_source.key_attnums) with ordinality as c (name, attnum, number)
     order by c.number);
  v_texts := array(
    select wikiembed_private.find_column(v_source.relation, c.name, c.attnum)
      from unnest(v_source.text_columns, v_source.text_attnums) with ordinality as c (name, attnum, number)
     order by c.number);
  v_embedding := wikiembed_private.find_column(
    v_source.relation, v_source.embedding_column, v_source.embedding_attnum);
  update wikiembed.sources as s
     set key_column = v_keys[1].attname, text_column = v_texts[1].attname, embedding_column = v_embedding.attname,
         key_attnum = v_keys[1].attnum, text_attnum = v_texts[1].attnum, embedding_attnum = v_embedding.attnum,
         key_columns = array(select k.attname from unnest(v_keys) as k),
         key_attnums = array(select k.attnum from unnest(v_keys) as k),
         text_columns = array(select t.attname from unnest(v_texts) as t),
         text_attnums = array(select t.attnum from unnest(v_texts) as t)
   where s.name = p_name
     and (s.embedding_column, s.embedding_attnum, s.key_columns, s.key_attnums, s.text_columns, s.text_attnums)
         is distinct from (
           v_embedding.attname, v_embedding.attnum,
           array(select k.attname from unnest(v_keys) as k), array(select k.attnum from unnest(v_keys) as k),
           array(select t.attname from unnest(v_texts) as t), array(select t.attnum from unnest(v_texts) as t));
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  return v_source;
end;
$$;
comment on function wikiembed_private.follow_renames(text) is
  'Updates a source''s column names after a rename; returns its row.';

-- Where rights allow an event trigger: follow renames and new or dropped partitions at once.
-- It never fails the user's statement, and leaves disabled triggers
-- disabled: reconcile enables them.
create or replace function wikiembed_private.on_ddl() returns event_trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
  v_source wikiembed.sources;
begin
  if coalesce(current_setting('wikiembed.writing_triggers', true), '') = 'on' then
    return;
  end if;
  for v_name in
    select s.name from wikiembed.sources as s
     where tg_tag in ('ALTER SCHEMA', 'ALTER EXTENSION')
        or exists (
       select from pg_event_trigger_ddl_commands() as d
        where d.classid = 'pg_class'::regclass
          and (d.objid in (select wikiembed_private.relations_of(s.relation))
               or d.objid in (select wikiembed_private.relations_of(o.relation)
                                from wikiembed.document_sources as o where o.source = s.name)))
     order by s.name
  loop
    begin
      if wikiembed_private.documents_gone(v_name) then
        perform wikiembed_private.generate_idle_document_triggers(v_name);
      elsif not wikiembed_private.document_tree_current(v_name) then
        perform wikiembed_private.renew_document_triggers(v_name);
        if tg_tag = 'ALTER TABLE' then
          perform wikiembed_private.queue_reconcile(v_name);
        end if;
      elsif not wikiembed_private.document_names_current(v_name) then
        perform wikiembed_private.renew_document_triggers(v_name);
      end if;
      v_source := wikiembed_private.follow_renames(v_name);
      if not wikiembed_private.tree_current(v_source) then
        perform wikiembed_private.write_triggers(v_name);
        if tg_tag = 'ALTER TABLE' then
          perform wikiembed_private.queue_reconcile(v_name);
        end if;
      elsif v_source.written_as <> wikiembed_private.source_names(v_source) then
        perform wikiembed_private.write_triggers(v_name);
      end if;
    exception when others then
      raise warning 'wikiembed could not follow the change of source "%": %', v_name, sqlerrm
        using hint = 'Run: select * from wikiembed.reconcile(' || quote_literal(v_name) || ')';
    end;
  end loop;
end;
$$;
comment on function wikiembed_private.on_ddl() is
  'Rewrites a source''s triggers after a rename or a change of partitions; queues a reconcile of rows added or removed with a partition.';

-- Only a superuser may create one; without it reconcile and doctor detect the same changes later.
do $$
begin
  drop event trigger if exists wikiembed_on_ddl;
  create event trigger wikiembed_on_ddl on ddl_command_end
    when tag in ('ALTER TABLE', 'CREATE TABLE', 'ALTER SCHEMA', 'ALTER EXTENSION')
    execute function wikiembed_private.on_ddl();
  comment on event trigger wikiembed_on_ddl is 'Follows renames and new partitions of attached tables.';
exception when insufficient_privilege then
  raise notice 'no event trigger: role % is not a superuser; reconcile follows renames instead', current_user;
end;
$$;

-- After update of a source's batch size: its insert trigger, which contains it, is regenerated.
create or replace function wikiembed_private.follow_batch_size() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.require_quotable(new);
  perform wikiembed_private.generate_on_insert(new);
  return null;
end;
$$;
comment on function wikiembed_private.follow_batch_size() is
  'Regenerates a source''s insert trigger with its present batch size.';

create or replace trigger wikiembed_follow_batch_size
  after update of batch_size on wikiembed.sources
  for each row when (old.batch_size <> new.batch_size)
  execute function wikiembed_private.follow_batch_size();
comment on trigger wikiembed_follow_batch_size on wikiembed.sources is
  'Regenerates the insert trigger of a source when its batch size changes.';
