-- The dialects of embedding servers, and libraries of models in the process; enum Provider of the package is the same list, compared by a test.
create or replace function wikiembed_private.providers() returns text[]
language sql immutable parallel safe
return array['ollama', 'openai', 'tei', 'local', 'sentence-transformers', 'fastembed'];
comment on function wikiembed_private.providers() is
  'Returns the providers that a source may name.';

create or replace function wikiembed_private.check_name(p_name text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_name is null or octet_length(p_name) not between 1 and 32 or p_name ~ '[[:cntrl:]]'
    or p_name <> btrim(p_name) or position('$body$' in p_name) > 0
  then
    raise exception 'a source''s name has 1 to 32 bytes, this one has %', coalesce(octet_length(p_name), 0)
      using errcode = 'WE002', hint = 'Give a short name without control characters or outer blanks, such as docs.';
  end if;
end;
$$;
comment on function wikiembed_private.check_name(text) is
  'Raises WE002 for a source name that is too long or not printable.';

-- Citus keeps its catalog in pg_catalog, readable by every role. The statement is dynamic, so that a server without
-- Citus looks up one name and does no more. The codes are those of its pg_dist_partition.h: n has no distribution
-- column, t is replicated to every node, and colocation 0 is a table of the coordinator alone.
create or replace function wikiembed_private.citus_kind(p_relation regclass) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text;
begin
  if to_regclass('pg_catalog.pg_dist_partition') is not null then
    execute $sql$
      select case when d.partmethod <> 'n' then 'distributed'
                  when d.repmodel = 't' then 'reference'
                  when d.colocationid <> 0 then 'single shard'
                  else 'local' end
        from pg_catalog.pg_dist_partition as d
       where d.logicalrelid = $1
    $sql$ into v_kind using p_relation;
  end if;
  return v_kind;
end;
$$;
comment on function wikiembed_private.citus_kind(regclass) is
  'How Citus manages a table: distributed, reference, single shard (a table of a distributed schema) or local; null when it does not, or is not installed.';

create or replace function wikiembed_private.citus_advice(p_relation regclass) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when wikiembed_private.citus_kind(p_relation) = 'single shard' then 'move it to a schema that Citus does not distribute'
    when exists (select from pg_attribute as a where a.attrelid = p_relation and a.attidentity <> '' and not a.attisdropped)
      then 'copy its rows into a plain table on the coordinator (Citus cannot make one of a table with an identity column)'
    else format('run `select undistribute_table(%L)` on the coordinator, which makes it a plain table', wikiembed_private.qualified(p_relation)) end;
$$;
comment on function wikiembed_private.citus_advice(regclass) is
  'How a table that Citus manages becomes a plain one.';

-- A table that Citus takes over after attach is either still the source's, or it was renamed to a shard, NAME_NUMBER,
-- and a new one has its name. Citus hides shards from queries of pg_class; the type regclass does not.
create or replace function wikiembed_private.citus_table_of(p_source wikiembed.sources) returns regclass
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when wikiembed_private.citus_kind(p_source.relation) is not null then p_source.relation
    when p_source.relation::text ~ '_[0-9]+"?$' and wikiembed_private.citus_kind(to_regclass(p_source.attached_as)) is not null
      then to_regclass(p_source.attached_as) end;
$$;
comment on function wikiembed_private.citus_table_of(wikiembed.sources) is
  'The table of a source that Citus has managed since it was attached, which workers cannot read; null: none.';

create or replace function wikiembed_private.check_relation(p_relation regclass) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_class pg_class;
  v_why text;
  v_citus text;
  v_advice text;
begin
  select c.* into v_class from pg_class as c where c.oid = p_relation;
  if not found then
    raise exception 'the table does not exist'
      using errcode = 'WE004', hint = 'Give its name with the schema, as in public.docs.';
  end if;
  select min(wikiembed_private.citus_kind(r)) into v_citus from wikiembed_private.relations_of(p_relation) as r;
  v_why := case
    when v_class.relkind = 'v' then 'it is a view'
    when v_class.relkind = 'm' then 'it is a materialized view'
    when v_class.relkind = 'f' then 'it is a foreign table'
    when v_class.relkind not in ('r', 'p') then 'it is not a table'
    when v_class.relpersistence = 't' then 'it is a temporary table'
    when v_class.relispartition then 'it is a partition'
    when exists (select from pg_inherits as i where i.inhrelid = p_relation) then 'it inherits from a table'
    when v_class.relkind = 'r' and exists (select from pg_inherits as i where i.inhparent = p_relation)
      then 'other tables inherit from it'
    when v_class.relnamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace,
                                  'wikiembed_queue'::regnamespace) then 'it belongs to wikiembed itself'
    when exists (select from wikiembed_private.relations_of(p_relation) as r
                   join pg_class as c on c.oid = r where c.relkind = 'f') then 'a partition is a foreign table'
    when v_citus = 'reference' then 'Citus replicates it to every node, where triggers cannot reach the queue'
    when v_citus = 'local' then 'Citus keeps its rows in a shard, which workers cannot lock'
    when v_citus is not null then 'Citus distributes it over nodes, where triggers cannot reach the queue'
  end;
  if v_why is not null then
    v_advice := wikiembed_private.citus_advice(p_relation);
    raise exception '% cannot be attached: %', p_relation, v_why
      using errcode = 'WE004', hint = coalesce((
        select format('Attach %s', pg_partition_root(p_relation))
         where v_class.relispartition),
        case
          when v_citus is null then 'Attach an ordinary or a partitioned table.'
          else overlay(v_advice placing upper(left(v_advice, 1)) from 1 for 1)
               || ', or keep its rows in several databases, with wikiembed in each' end);
  end if;
end;
$$;
comment on function wikiembed_private.check_relation(regclass) is
  'Raises WE004 for a relation that is not an ordinary or partitioned table, or that Citus manages.';

-- Functions run as their owner with row_security off, which raises instead of hiding rows: so
-- no policy may bind the owner. The owner must own the table and every partition as well:
-- `alter table` enables a trigger that also fires for replication. Membership in a superuser would
-- grant more than a table.
create or replace function wikiembed_private.check_rights(p_relation regclass) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_right text;
  v_other regclass;
begin
  foreach v_right in array array['SELECT', 'UPDATE', 'TRIGGER'] loop
    if not has_table_privilege(current_user, p_relation, v_right) then
      raise exception 'role % needs the right % on %', current_user, v_right, p_relation
        using errcode = 'WE004', hint = format('Run as its owner `grant select, update, trigger on %s to %I`', p_relation, current_user);
    end if;
  end loop;
  if exists (
    select from wikiembed_private.relations_of(p_relation) as r
      join pg_class as c on c.oid = r
     where c.relrowsecurity
       and not (select a.rolsuper or a.rolbypassrls from pg_roles as a where a.rolname = current_user)
       and (c.relforcerowsecurity or not pg_has_role(current_user, c.relowner, 'usage'))
  ) then
    raise exception 'row-level security of % binds role %: rows would be hidden', p_relation, current_user
      using errcode = 'WE009', hint = format('Run as a superuser `alter role %I bypassrls`, or let it own the table without force', current_user);
  end if;
  select t into v_other
    from wikiembed_private.relations_of(p_relation) as t join pg_class as c on c.oid = t
   where not pg_has_role(current_user, c.relowner, 'usage')
   limit 1;
  if found then
    raise exception 'role % does not own %', current_user, v_other
      using errcode = 'WE004',
            hint = (
              select case
                when a.rolsuper then format('Run `alter table %s owner to %I`', v_other, current_user)
                else format('Make it a member of the owner: run `grant %I to %I%s`', a.rolname, current_user,
                            case when current_setting('server_version_num')::integer >= 160000 then ' with inherit true'
                                 else '' end) end
                from pg_class as c join pg_roles as a on a.oid = c.relowner where c.oid = v_other);
  end if;
end;
$$;
comment on function wikiembed_private.check_rights(regclass) is
  'Raises WE004 or WE009 when the owner of wikiembed does not own the whole table, or may not read and write it.';

-- Triggers, constraints and index expressions of a table run with the rights of the role that reads
-- or writes it: here wikiembed's owner. A role that may add one gains what only the owner has: its
-- attributes, its memberships, and tables that it owns or has rights on. A role that would gain
-- only wikiembed's own tables is not reported.
create or replace function wikiembed_private.owner_warning(p_relation regclass) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  with risky as (
    select c.relowner as oid from wikiembed_private.relations_of(p_relation) as t join pg_class as c on c.oid = t
    union
    select a.grantee
      from wikiembed_private.relations_of(p_relation) as t join pg_class as c on c.oid = t,
           aclexplode(c.relacl) as a
     where a.privilege_type = 'TRIGGER'
  ), me as (
    select w.* from pg_roles as w where w.rolname = current_user
  ), tables as (
    select distinct c.relowner as owner
      from me as w join pg_shdepend as d on d.refclassid = 'pg_authid'::regclass and d.refobjid = w.oid
      join pg_class as c on d.classid = 'pg_class'::regclass and c.oid = d.objid
      join pg_namespace as n on n.oid = c.relnamespace
     where d.dbid = (select b.oid from pg_database as b where b.datname = current_database())
       and d.deptype in ('o', 'a') and n.nspname !~ '^(wikiembed(_private|_queue)?|pg_(toast|temp).*)$'
       and not (n.nspname = 'public' and c.relname ~ '^wiki_(pages|chunks)(_|$)')
  ), more as (
    select coalesce(r.rolname, 'public') as name
      from risky as x left join pg_roles as r on r.oid = x.oid cross join me as w
     where not coalesce(r.rolsuper, false)
       and (r.oid is null or not pg_has_role(r.oid, w.oid, 'member'))
       and (w.rolsuper or w.rolbypassrls > coalesce(r.rolbypassrls, false)
            or w.rolcreaterole > coalesce(r.rolcreaterole, false)
            or w.rolreplication > coalesce(r.rolreplication, false)
            or exists (select from pg_roles as m
                        where m.oid <> w.oid and pg_has_role(w.oid, m.oid, 'member')
                          and (r.oid is null or not pg_has_role(r.oid, m.oid, 'member')))
            or exists (select from tables as o where r.oid is null or not pg_has_role(r.oid, o.owner, 'member')))
  )
  select format('%s may give %s triggers and expressions, which wikiembed runs as role %I',
                string_agg(format('%I', name), ', ' order by name), p_relation, current_user)
    from more having count(*) > 0;
$$;
comment on function wikiembed_private.owner_warning(regclass) is
  'Warning that names the roles which could run SQL as wikiembed''s owner through this table, and gain rights; null when none could.';

create or replace function wikiembed_private.check_unattached(
  p_relation regclass, p_embedding name, p_name text, p_replaces boolean
) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_other wikiembed.sources;
begin
  if not p_replaces and exists (select from wikiembed.search_names as n where n.name = p_name collate "default")
    and not exists (select from wikiembed.sources as s where s.name = p_name collate "default")
  then
    raise exception 'searches for "%" use source "%"', p_name, wikiembed_private.searched_source(p_name)
      using errcode = 'WE003', hint = format('Choose another name, or forget that one: `wikiembed switch %s --drop`', p_name);
  end if;
  select s.* into v_other from wikiembed.sources as s
   where (s.name = p_name and not p_replaces)
      or (s.name <> p_name and s.relation = p_relation and s.embedding_column = p_embedding)
   order by s.relation = p_relation desc
   limit 1;
  if found and v_other.relation = p_relation then
    raise exception 'source "%", or column "%" of %, is attached already', v_other.name, p_embedding, p_relation
      using errcode = 'WE003',
            hint = format('Detach it first, or choose another name and column; to detach it: select wikiembed.detach(%L)',
                          v_other.name);
  elsif found then
    raise exception 'source "%" is attached already, to %', v_other.name, wikiembed_private.qualified(v_other.relation)
      using errcode = 'WE003',
            hint = 'Detach it first, choose another name, or move it to this table: attach with p_move => true, or --move';
  end if;
end;
$$;
comment on function wikiembed_private.check_unattached(regclass, name, text, boolean) is
  'Raises WE003 when a source has the name or it was switched to one, unless it is to be replaced, or when another source has the column.';

-- All checks of a column, so that p_check_only and an attach refuse the same.
create or replace function wikiembed_private.check_source(
  p_relation regclass, p_keys name[], p_texts text[], p_embedding name, p_name text,
  p_provider text, p_model text, p_dimensions integer,
  p_document_prefix text, p_query_prefix text, p_batch_size integer
) returns wikiembed.sources
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
  v_embedding pg_attribute;
begin
  v_source.name := p_name;
  v_source.relation := p_relation;
  v_source := wikiembed_private.check_keys(v_source, p_keys);
  v_source := wikiembed_private.check_texts(v_source, p_texts);
  v_embedding := wikiembed_private.require_column(p_relation, p_embedding, 'embedding', p_dimensions);
  v_source.embedding_column := p_embedding;
  v_source.embedding_attnum := v_embedding.attnum;
  select e.embedding_type, e.dimensions into v_source.embedding_type, v_source.dimensions
    from wikiembed_private.check_embedding(p_relation, v_embedding, p_dimensions) as e;
  v_source.provider := p_provider;
  v_source.model := p_model;
  v_source.document_prefix := p_document_prefix;
  v_source.query_prefix := p_query_prefix;
  v_source.batch_size := p_batch_size;
  if p_batch_size is null or p_batch_size not between 1 and 4096 then
    raise exception 'a batch has 1 to 4096 chunks, not %', p_batch_size using errcode = 'WE010';
  end if;
  if v_source.dimensions <= 0 then
    raise exception 'a vector has at least one dimension, not %', v_source.dimensions using errcode = 'WE010';
  end if;
  if not p_provider = any (wikiembed_private.providers()) then
    raise exception 'no provider is named "%"', p_provider
      using errcode = 'WE010',
            hint = format('Providers are %s.', array_to_string(wikiembed_private.providers(), ', '));
  end if;
  perform wikiembed_private.require_quotable(v_source);
  return v_source;
end;
$$;
comment on function wikiembed_private.check_source(
  regclass, name[], text[], name, text, text, text, integer, text, text, integer) is
  'The row that attach would write; raises WE004 to WE010 for what it refuses.';
