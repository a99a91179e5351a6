create or replace function wikiembed_private.usable_keys(p_relation regclass) returns name[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(a.attname order by a.attnum), '{}')
    from pg_attribute as a
   where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped and a.attnotnull
     and format_type(wikiembed_private.base_type(a.atttypid), null)
         in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying')
     and exists (
       select from pg_index as i
        where i.indrelid = p_relation and i.indisunique and i.indisvalid and i.indimmediate
          and i.indpred is null and i.indexprs is null
          and i.indnkeyatts = 1 and i.indkey[0] = a.attnum);
$$;
comment on function wikiembed_private.usable_keys(regclass) is
  'The columns of a table that identify a row and can be the key of a source.';

create or replace function wikiembed_private.check_key(
  p_relation regclass, p_column pg_catalog.pg_attribute, p_alone boolean default true
) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type text := format_type(wikiembed_private.base_type(p_column.atttypid), null);
  v_why text := case
    when v_type not in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying') then
      format('is of type %s, not smallint, integer, bigint, uuid, text or varchar', v_type)
    when not p_column.attnotnull then 'may be null'
    when p_alone and not p_column.attname = any (wikiembed_private.usable_keys(p_relation)) then 'has no unique index of its own'
  end;
begin
  if v_why is not null then
    raise exception 'key column "%" of % %', p_column.attname, p_relation, v_why
      using errcode = 'WE005', hint = wikiembed_private.key_advice(p_relation, p_column.attname);
  end if;
  return v_type;
end;
$$;
comment on function wikiembed_private.check_key(regclass, pg_attribute, boolean) is
  'The type of a column of a key; raises WE005 when it cannot be one, or when it is to identify a row alone and does not.';

-- Several columns are a key together when a unique index has just these. The index may have them in
-- another order; the key keeps the one that was given.
create or replace function wikiembed_private.usable_key_lists(p_relation regclass) returns table (columns name[])
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select k.columns
    from pg_index as i
   cross join lateral (
     select array_agg(a.attname order by c.number) as columns,
            bool_and(a.attnotnull and format_type(wikiembed_private.base_type(a.atttypid), null)
              in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying')) as usable
       from unnest((i.indkey::smallint[])[0:i.indnkeyatts - 1]) with ordinality as c (attnum, number)
       join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = c.attnum) as k
   where i.indrelid = p_relation and i.indisunique and i.indisvalid and i.indimmediate
     and i.indpred is null and i.indexprs is null and i.indnkeyatts between 2 and 4 and k.usable
   order by i.indisprimary desc, i.indexrelid;
$$;
comment on function wikiembed_private.usable_key_lists(regclass) is
  'The lists of two to four columns of a table that identify a row together and can be the key of a source.';

create or replace function wikiembed_private.all_keys(p_relation regclass) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(distinct o.key, ' or ')
    from (select array_to_string(l.columns, ',') as key
            from wikiembed_private.usable_key_lists(p_relation) as l
          union all
          select k::text from unnest(wikiembed_private.usable_keys(p_relation)) as k) as o;
$$;
comment on function wikiembed_private.all_keys(regclass) is
  'The keys that a table can be attached by, in words: id or tenant,number; null if it has none.';

create or replace function wikiembed_private.check_keys(
  p_source wikiembed.sources, p_keys name[]
) returns wikiembed.sources
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_columns pg_attribute[];
  v_others text;
begin
  if coalesce(cardinality(p_keys), 0) not between 1 and 4
    or cardinality(p_keys) <> (select count(distinct k) from unnest(p_keys) as k)
  then
    raise exception 'a key has one to four columns, each once, not %', coalesce(array_to_string(p_keys, ', '), 'none')
      using errcode = 'WE005', hint = 'Name the columns of a unique index.';
  end if;
  v_columns := array(
    select wikiembed_private.require_column(p_source.relation, k.name, 'key', null)
      from unnest(p_keys) with ordinality as k (name, number) order by k.number);
  p_source.key_columns := p_keys;
  p_source.key_column := p_keys[1];
  p_source.key_attnums := array(select c.attnum from unnest(v_columns) as c);
  p_source.key_attnum := p_source.key_attnums[1];
  if cardinality(p_keys) = 1 then
    p_source.key_type := wikiembed_private.check_key(p_source.relation, v_columns[1]);
    p_source.key_types := array[p_source.key_type];
    return p_source;
  end if;
  p_source.key_type := 'composite';
  p_source.key_types := array(
    select format_type(wikiembed_private.base_type(c.atttypid), null) from unnest(v_columns) as c);
  if not exists (
    select from wikiembed_private.usable_key_lists(p_source.relation) as l
     where l.columns @> p_keys and l.columns <@ p_keys)
  then
    v_others := wikiembed_private.all_keys(p_source.relation);
    if v_others is null then
      perform wikiembed_private.check_key(p_source.relation, c, false) from unnest(v_columns) as c;
    end if;
    raise exception 'columns % of % are not a key together', array_to_string(p_keys, ', '), p_source.relation
      using errcode = 'WE005',
            hint = coalesce('Name another key: ' || v_others, format(
              'Run `create unique index %son %s (%s)`',
              case when exists (select from pg_partitioned_table as t where t.partrelid = p_source.relation)
                   then '' else 'concurrently ' end,
              p_source.relation, (select string_agg(quote_ident(k), ', ') from unnest(p_keys) as k)));
  end if;
  return p_source;
end;
$$;
comment on function wikiembed_private.check_keys(wikiembed.sources, name[]) is
  'The row of a source with its key; raises WE005 or WE006 when the columns do not identify a row.';

-- A part of a text is a column, or a field of a jsonb column: doc->>'body', doc->'a'->>'b'. A json column may
-- hold \u0000 or half a surrogate pair: every read of such a row fails, that of a trigger too.
create or replace function wikiembed_private.text_part(
  p_relation regclass, p_part text, out attribute pg_catalog.pg_attribute, out path text[]
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_steps text := substr(p_part, strpos(p_part, '->'));
begin
  if p_part !~ '->' or exists (
    select from pg_attribute as a
     where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped and a.attname = p_part::name)
  then
    attribute := wikiembed_private.require_column(p_relation, p_part::name, 'text', null);
    return;
  end if;
  if v_steps !~ '^(->''([^'']|'''')+'')*->>''([^'']|'''')+''$' then
    raise exception '% is not a field of a jsonb column', p_part
      using errcode = 'WE006', hint = $hint$Write it as doc->>'body' or doc->'page'->>'body'$hint$;
  end if;
  attribute := wikiembed_private.require_column(
    p_relation, btrim(left(p_part, strpos(p_part, '->') - 1))::name, 'text', null);
  if attribute.atttypid = 'json'::regtype then
    raise exception 'column "%" of % is of type json, not jsonb', attribute.attname, p_relation
      using errcode = 'WE006',
            hint = format('Run `alter table %s alter column %2$I type jsonb using %2$I::jsonb`', p_relation, attribute.attname);
  end if;
  if attribute.atttypid <> 'jsonb'::regtype or attribute.attgenerated <> '' then
    raise exception 'column "%" of % is not an ordinary jsonb column', attribute.attname, p_relation
      using errcode = 'WE006', hint = 'Name a column of text, or a field of a jsonb column';
  end if;
  path := array(
    select replace(m.found[1], $q$''$q$, $q$'$q$)
      from regexp_matches(v_steps, $re$->>?'((?:[^']|'')+)'$re$, 'g') with ordinality as m (found, number)
     order by m.number);
end;
$$;
comment on function wikiembed_private.text_part(regclass, text) is
  'The column of a part of a text, and its path where it is a field of JSON; raises WE006.';

create or replace function wikiembed_private.check_texts(
  p_source wikiembed.sources, p_texts text[]
) returns wikiembed.sources
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text;
  v_part record;
begin
  if coalesce(cardinality(p_texts), 0) not between 1 and 8 then
    raise exception 'a text has one to eight columns, not %', coalesce(cardinality(p_texts), 0)
      using errcode = 'WE006', hint = 'Name at least one column.';
  end if;
  p_source.text_columns := '{}';
  p_source.text_attnums := '{}';
  p_source.text_paths := '[]';
  foreach v_text in array p_texts loop
    select p.* into v_part from wikiembed_private.text_part(p_source.relation, v_text) as p;
    if v_part.path is null then
      perform wikiembed_private.check_text(p_source.relation, v_part.attribute);
    end if;
    p_source.text_columns := p_source.text_columns || (v_part.attribute).attname;
    p_source.text_attnums := p_source.text_attnums || (v_part.attribute).attnum;
    p_source.text_paths := p_source.text_paths || jsonb_build_array(to_jsonb(v_part.path));
  end loop;
  p_source.text_column := p_source.text_columns[1];
  p_source.text_attnum := p_source.text_attnums[1];
  return p_source;
end;
$$;
comment on function wikiembed_private.check_texts(wikiembed.sources, text[]) is
  'The row of a source with the parts of its text; raises WE006 for what holds no text.';

-- Options in this order: a key that the table has already, what the column lacks, a new column.
-- The values of a column that is one of several in a key may repeat: a unique index on it would
-- refuse valid rows, even where none repeats today.
create or replace function wikiembed_private.key_advice(p_relation regclass, p_column name) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_keys text := wikiembed_private.all_keys(p_relation);
  v_column pg_attribute;
  v_partitioned_by smallint[];
  v_shared boolean;
  v_bad boolean := false;
begin
  if v_keys is not null then
    return 'Name another key: ' || v_keys;
  end if;
  select a.* into v_column from pg_attribute as a
   where a.attrelid = p_relation and a.attname = p_column and a.attnum > 0 and not a.attisdropped;
  select p.partattrs::smallint[] into v_partitioned_by from pg_partitioned_table as p where p.partrelid = p_relation;
  if v_partitioned_by is not null and not v_partitioned_by <@ array[v_column.attnum] then
    return format('Every unique index of a partitioned table holds the columns that it is partitioned by (%s), so no'
      ' column alone can be a key: name a key of several columns, which a unique index has', (
        select coalesce(string_agg(a.attname, ', ' order by a.attnum), 'an expression') from pg_attribute as a
         where a.attrelid = p_relation and a.attnum = any (v_partitioned_by)));
  end if;
  v_shared := exists (
    select from pg_index as i
     where i.indrelid = p_relation and i.indisunique and i.indnkeyatts > 1
       and v_column.attnum = any ((i.indkey::smallint[])[0:i.indnkeyatts - 1]));
  if not v_shared and format_type(wikiembed_private.base_type(v_column.atttypid), null)
       in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying')
  then
    execute format('select exists (select from %1$s as t where t.%2$I is null)'
      ' or exists (select from %1$s as t group by t.%2$I having count(*) > 1)', p_relation, p_column) into v_bad;
    if not v_bad and not v_column.attnotnull then
      return format('Run `alter table %s alter column %I set not null`', p_relation, p_column);
    elsif not v_bad then
      return format('Run `create unique index %son %s (%I)`; it must be valid, not deferrable and not partial',
        case when v_partitioned_by is null then 'concurrently ' else '' end, p_relation, p_column);
    end if;
  end if;
  if v_partitioned_by is not null then
    return 'Rows repeat it or lack it: give each row its own, or attach another table';
  end if;
  return format('Run `alter table %1$s add column %2$I bigint generated always as identity unique`, which rewrites the'
    ' table, and name %2$I as the key', p_relation, wikiembed_private.free_column(p_relation, 'row_id'));
end;
$$;
comment on function wikiembed_private.key_advice(regclass, name) is
  'A hint how the table gets a key, when the column cannot be one.';

create or replace function wikiembed_private.check_text(p_relation regclass, p_column pg_catalog.pg_attribute) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_column.attgenerated <> '' then
    raise exception 'text column "%" of % is generated', p_column.attname, p_relation
      using errcode = 'WE006', hint = case p_column.attgenerated
        when 's' then format('Attach the column that it is generated from, or make it an ordinary one: run'
          ' `alter table %s alter column %I drop expression`', p_relation, p_column.attname)
        else 'Attach the column that it is generated from' end;
  end if;
  if not exists (
    select from pg_type as t
     where t.oid = wikiembed_private.base_type(p_column.atttypid) and t.typcategory = 'S'
       and t.typname not in ('char', 'name')
  ) then
    raise exception 'text column "%" of % is of type %, not text or varchar', p_column.attname, p_relation,
      format_type(p_column.atttypid, p_column.atttypmod)
      using errcode = 'WE006', hint = wikiembed_private.text_advice(p_relation, p_column.attname);
  end if;
end;
$$;
comment on function wikiembed_private.check_text(regclass, pg_attribute) is
  'Raises WE006 for a text column that is generated or not of a text type.';

create or replace function wikiembed_private.text_advice(p_relation regclass, p_column name) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    'Name another text column: ' || string_agg(a.attname, ', ' order by a.attnum),
    format('Run `alter table %1$s add column %2$I text`, and name %2$I as the text', p_relation,
           wikiembed_private.free_column(p_relation, p_column)))
    from pg_attribute as a join pg_type as t on t.oid = wikiembed_private.base_type(a.atttypid)
   where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     and t.typcategory = 'S' and t.typname not in ('char', 'name');
$$;
comment on function wikiembed_private.text_advice(regclass, name) is
  'A hint which columns of a table are texts, or how it gets one.';

create or replace function wikiembed_private.check_embedding(
  p_relation regclass, p_column pg_catalog.pg_attribute, p_dimensions integer,
  out embedding_type text, out dimensions integer
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_other name := wikiembed_private.free_column(p_relation, p_column.attname || '_vector');
begin
  select t.typname into embedding_type
    from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
   where t.oid = p_column.atttypid and n.nspname = wikiembed_private.pgvector_schema()
     and t.typname in ('vector', 'halfvec');
  if not found then
    raise exception 'embedding column "%" of % is of type %, not vector or halfvec', p_column.attname,
      p_relation, format_type(p_column.atttypid, p_column.atttypmod)
      using errcode = 'WE007', hint = format('Run `alter table %s add column %I %s`, and name %2$I as the embedding',
        p_relation, v_other, wikiembed_private.advised_vector(p_dimensions));
  end if;
  if p_column.attgenerated <> '' then
    raise exception 'embedding column "%" of % is generated', p_column.attname, p_relation
      using errcode = 'WE007', hint = format('Run `alter table %s alter column %I drop expression`, which makes it an'
        ' ordinary one that keeps its vectors', p_relation, p_column.attname);
  end if;
  if p_column.attnotnull then
    raise exception 'embedding column "%" of % is not null', p_column.attname, p_relation
      using errcode = 'WE007', hint = format('A chunk that waits for its vector holds null: run'
        ' `alter table %s alter column %I drop not null`', p_relation, p_column.attname);
  end if;
  dimensions := coalesce(nullif(p_column.atttypmod, -1), p_dimensions);
  if p_dimensions is not null and dimensions <> p_dimensions then
    raise exception 'embedding column "%" of % has % dimensions, not %', p_column.attname, p_relation,
      dimensions, p_dimensions
      using errcode = 'WE007', hint = case
        when p_dimensions <= 0 then 'Leave dimensions out'
        else 'Leave dimensions out, or '
          || wikiembed_private.dimensions_advice(p_relation, p_column.attname, p_dimensions) end;
  end if;
end;
$$;
comment on function wikiembed_private.check_embedding(regclass, pg_attribute, integer) is
  'Type and dimensions of the vector column; raises WE007 when it cannot hold vectors.';

-- The command line passes the model's dimensions; else those of the wiki's column, which came from the
-- settings of `wikiembed migrate`, are the likely ones.
create or replace function wikiembed_private.advised_vector(p_dimensions integer) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select format('%I.vector(%s)', wikiembed_private.pgvector_schema(), coalesce(
    p_dimensions,
    nullif(current_setting('wikiembed.model_dimensions', true), '')::integer,
    (select nullif(a.atttypmod, -1) from pg_attribute as a
      where a.attrelid = to_regclass('public.wiki_chunks') and a.attname = 'embedding'),
    768));
$$;
comment on function wikiembed_private.advised_vector(integer) is
  'The recommended type of a new vector column, with its schema.';

create or replace function wikiembed_private.free_column(p_relation regclass, p_name text) returns name
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select c.name::name
    from (select p_name || case when i = 1 then '' else '_' || i end as name, i from generate_series(1, 1600) as i) as c
   where not exists (select from pg_attribute as a
                      where a.attrelid = p_relation and a.attname = c.name::name and not a.attisdropped)
   order by c.i
   limit 1;
$$;
comment on function wikiembed_private.free_column(regclass, text) is
  'An unused name for a new column of a table.';

create or replace function wikiembed_private.dimensions_advice(
  p_relation regclass, p_column name, p_dimensions integer
) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_filled boolean;
  v_type text;
begin
  perform wikiembed_private.check_relation(p_relation);
  execute format('select exists (select from %s as t where t.%I is not null)', p_relation, p_column) into v_filled;
  if v_filled then
    return format('run `alter table %s add column %I %s` and name %2$I as the embedding', p_relation,
      wikiembed_private.free_column(p_relation, p_column || '_vector'), wikiembed_private.advised_vector(p_dimensions));
  end if;
  select format('%I.%I(%s)', n.nspname, t.typname, p_dimensions) into v_type
    from pg_attribute as a join pg_type as t on t.oid = a.atttypid join pg_namespace as n on n.oid = t.typnamespace
   where a.attrelid = p_relation and a.attname = p_column;
  return format('run `alter table %s alter column %I type %s`', p_relation, p_column, v_type);
end;
$$;
comment on function wikiembed_private.dimensions_advice(regclass, name, integer) is
  'A hint how a table gets a vector column of other dimensions: the column itself while it is empty, else another. Raises WE004.';

create or replace function wikiembed_private.require_column(
  p_relation regclass, p_name name, p_role text, p_dimensions integer
) returns pg_catalog.pg_attribute
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column pg_attribute;
begin
  select a.* into v_column from pg_attribute as a
   where a.attrelid = p_relation and not a.attisdropped and a.attnum > 0 and a.attname = p_name;
  if not found then
    raise exception '% has no column "%"', p_relation, p_name
      using errcode = 'WE006', hint = coalesce(
        'Name it as it is written: ' || (
          select string_agg(a.attname, ' or ' order by a.attnum) from pg_attribute as a
           where a.attrelid = p_relation and not a.attisdropped and a.attnum > 0
             and lower(a.attname) = lower(btrim(p_name, '"'))),
        case p_role
          when 'key' then wikiembed_private.key_advice(p_relation, p_name)
          when 'text' then wikiembed_private.text_advice(p_relation, p_name)
          else format('Run `alter table %s add column %I %s`', p_relation, p_name,
                      wikiembed_private.advised_vector(p_dimensions))
        end);
  end if;
  return v_column;
end;
$$;
comment on function wikiembed_private.require_column(regclass, name, text, integer) is
  'The catalogue row of the column that is to be key, text or embedding; raises WE006 with a hint when no such column exists.';
