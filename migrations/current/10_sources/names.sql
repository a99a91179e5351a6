-- The database knows its role, not the person: a command names the person in wikiembed.actor.
create or replace function wikiembed_private.actor() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when coalesce(current_setting('wikiembed.actor', true), '') in ('', session_user) then session_user
    else left(current_setting('wikiembed.actor', true), 200) || ' (' || session_user || ')'
  end;
$$;
comment on function wikiembed_private.actor() is
  'Who acts: the session user, and the person named in the setting wikiembed.actor.';

create or replace function wikiembed_private.log_action(
  p_action text, p_source text, p_why text default null, p_detail jsonb default '{}'
) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into wikiembed.action_log (who, action, source, why, detail)
  values (wikiembed_private.actor(), p_action, p_source, p_why, p_detail);
$$;
comment on function wikiembed_private.log_action(text, text, text, jsonb) is
  'Writes one row of the action log in the caller''s name.';

-- With one snapshot for the whole transaction the lock would be acquired after the snapshot.
create or replace function wikiembed_private.require_read_committed() returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'wikiembed needs a read committed transaction, this one is %',
      current_setting('transaction_isolation')
      using errcode = 'WE008', hint = 'Call it outside, or begin with isolation level read committed.';
  end if;
end;
$$;
comment on function wikiembed_private.require_read_committed() is
  'Raises WE008 in a transaction that is not read committed.';

-- Only one attach, enqueue or reconcile of a source at a time. It is a statement of its own, so
-- that the statement after it takes a snapshot that includes the commit of the former holder.
create or replace function wikiembed_private.lock_source(p_source text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('wikiembed.' || p_source, 0));
end;
$$;
comment on function wikiembed_private.lock_source(text) is
  'Takes the advisory lock of one source until the transaction ends.';

create or replace function wikiembed_private.find_source(p_source text) returns wikiembed.sources
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_source collate "default";
  if not found then
    raise exception 'no source is named "%"', coalesce(p_source, '')
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  return v_source;
end;
$$;
comment on function wikiembed_private.find_source(text) is
  'The row of a source, not locked; raises WE001 when there is none.';

-- A source that is attached between the two statements is found by the next round.
create or replace function wikiembed_private.get_source(p_source text) returns wikiembed.sources
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
begin
  loop
    select s.* into v_source from wikiembed.sources as s where s.name = p_source collate "default" for key share;
    exit when found;
    perform wikiembed_private.find_source(p_source);
  end loop;
  return v_source;
end;
$$;
comment on function wikiembed_private.get_source(text) is
  'The row of a source, locked for key share; raises WE001 when there is none.';

create or replace function wikiembed_private.qualified(p_relation regclass) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select format('%I.%I', n.nspname, c.relname)
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
   where c.oid = p_relation;
$$;
comment on function wikiembed_private.qualified(regclass) is
  'The relation''s name with its schema, quoted; null when it was dropped.';

create or replace function wikiembed_private.pgvector_schema() returns name
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select n.nspname from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace
   where e.extname = 'vector';
$$;
comment on function wikiembed_private.pgvector_schema() is
  'The schema of pgvector; null when it is not installed.';

create or replace function wikiembed_private.relations_of(p_relation regclass) returns setof regclass
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select p_relation
  union
  select t.relid from pg_partition_tree(p_relation) as t;
$$;
comment on function wikiembed_private.relations_of(regclass) is
  'The table itself and, when it is partitioned, every partition below it.';

create or replace function wikiembed_private.lacks_columns(p_relation regclass, p_names name[], p_attnums smallint[])
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.qualified(p_relation) is null
      or exists (
        select from unnest(p_names, p_attnums) as c (name, attnum)
         where c.name is not null
           and not exists (
             select from pg_attribute as a
              where a.attrelid = p_relation and not a.attisdropped and a.attnum > 0
                and (a.attname = c.name or a.attnum = c.attnum)));
$$;
comment on function wikiembed_private.lacks_columns(regclass, name[], smallint[]) is
  'True when a table, or one of these columns by name and by number, was dropped; a null name is ignored.';

create or replace function wikiembed_private.is_gone(p_source wikiembed.sources) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.lacks_columns(
    p_source.relation, p_source.key_columns || p_source.text_columns || p_source.embedding_column,
    p_source.key_attnums || p_source.text_attnums || p_source.embedding_attnum);
$$;
comment on function wikiembed_private.is_gone(wikiembed.sources) is
  'True when a source''s table, or one of its columns, was dropped.';

create or replace function wikiembed_private.require_table(p_source wikiembed.sources) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if wikiembed_private.is_gone(p_source) then
    raise exception 'the table or a column of source "%" was dropped', p_source.name
      using errcode = 'WE001',
            hint = format('Forget the source: select wikiembed.detach(%L).', p_source.name);
  end if;
end;
$$;
comment on function wikiembed_private.require_table(wikiembed.sources) is
  'Raises WE001 when a source''s table, or one of its columns, was dropped.';

create or replace function wikiembed_private.find_column(
  p_relation regclass, p_name name, p_attnum smallint default null
) returns pg_catalog.pg_attribute
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column pg_attribute;
begin
  select a.* into v_column from pg_attribute as a
   where a.attrelid = p_relation and not a.attisdropped and a.attnum > 0
     and (a.attname = p_name or a.attnum = p_attnum)
   order by a.attname = p_name desc
   limit 1;
  if not found then
    raise exception '% has no column "%"', p_relation, p_name
      using errcode = 'WE006', hint = 'Name a column of the table, or detach the source.';
  end if;
  return v_column;
end;
$$;
comment on function wikiembed_private.find_column(regclass, name, smallint) is
  'The catalogue row of a column, by name, else by number; raises WE006 when there is none.';

create or replace function wikiembed_private.base_type(p_type oid) returns oid
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive t as (
    select p_type as oid
    union all
    select y.typbasetype from t join pg_type as y on y.oid = t.oid where y.typtype = 'd'
  )
  select t.oid from t join pg_type as y on y.oid = t.oid where y.typtype <> 'd';
$$;
comment on function wikiembed_private.base_type(oid) is
  'The type below a domain, or the type itself.';
