-- A filter is an object: {"tenant": 3, "language": ["en", "de"], "year": {"gte": 2000, "lt": 2010}}. Its names are
-- columns of the chunk's table or else of its document's; each value is a literal of the column's type;
-- an object is what a jsonb column contains. All of it runs with
-- the caller's rights: a domain's check, or a type's input, is code of its owner.
create or replace function wikiembed_private.filter_condition(p_source text, p_filter jsonb) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
  v_documents wikiembed.document_sources;
  v_name text;
  v_value jsonb;
  v_column pg_attribute;
  v_condition text := '';
  v_on_documents text := '';
begin
  if jsonb_typeof(p_filter) <> 'object' then
    raise exception 'a filter must be a JSON object of columns and values, not %', left(p_filter::text, 100) using errcode = 'WE013';
  end if;
  select s.* into v_source from wikiembed.sources as s where s.name = p_source collate "default";
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_source collate "default";
  for v_name, v_value in select f.key, f.value from jsonb_each(p_filter) as f loop
    select a.* into v_column from pg_attribute as a
     where a.attrelid = v_source.relation and a.attname = v_name::name and a.attnum > 0 and not a.attisdropped;
    if found and octet_length(v_name) < 64 then
      v_condition := v_condition || ' and ' || wikiembed_private.column_condition('t', v_column, v_value);
      continue;
    end if;
    select a.* into v_column from pg_attribute as a
     where a.attrelid = v_documents.relation and a.attname = v_name::name and a.attnum > 0 and not a.attisdropped;
    if not found or octet_length(v_name) > 63 then
      raise exception 'source "%" has no column "%" to filter by', p_source, left(v_name, 63)
        using errcode = 'WE013', hint = 'Columns: ' || (
          select string_agg(distinct a.attname::text, ', ') from pg_attribute as a
           where a.attrelid in (v_source.relation, v_documents.relation) and a.attnum > 0 and not a.attisdropped) || '.';
    end if;
    v_on_documents := v_on_documents || ' and ' || wikiembed_private.column_condition('d', v_column, v_value);
  end loop;
  if v_on_documents <> '' then
    v_condition := v_condition || format(' and exists (select from %s as d where %s%s)',
      wikiembed_private.qualified(v_documents.relation),
      (select string_agg(format('d.%I = t.%I', k.name, k.chunk), ' and ' order by k.number)
         from unnest(v_documents.key_columns, wikiembed_private.chunk_key_columns(p_source)) with ordinality as k (name, chunk, number)),
      v_on_documents);
  end if;
  return v_condition;
end;
$$;
comment on function wikiembed_private.filter_condition(text, jsonb) is
  'Returns the SQL condition of a filter, of a chunk named t, beginning with and. Raises WE013.';

create or replace function wikiembed_private.column_condition(p_alias text, p_column pg_attribute, p_value jsonb) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column text := format('%s.%I', p_alias, p_column.attname);
  v_type text := (select format('%I.%I', n.nspname, t.typname) from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
                   where t.oid = p_column.atttypid);
  v_comparisons constant jsonb := '{"lt": 1, "lte": 2, "gte": 4, "gt": 5}';
  v_condition text;
begin
  case jsonb_typeof(p_value)
    when 'array' then
      select string_agg(
               case when e.value = 'null' then v_column || ' is null'
                    else wikiembed_private.compared(v_column, v_type, p_column, 3, e.value) end, ' or ')
        into v_condition
        from jsonb_array_elements(p_value) as e (value);
      return '(' || coalesce(v_condition, 'false') || ')';
    when 'object' then
      if p_column.atttypid = 'jsonb'::regtype then
        return format('%s @> %L::jsonb', v_column, p_value);
      end if;
      if p_value = '{}' or exists (select from jsonb_object_keys(p_value) as k where not v_comparisons ? k) then
        raise exception 'a range of column "%" has gt, gte, lt or lte, not %', p_column.attname, left(p_value::text, 100)
          using errcode = 'WE013';
      end if;
      return (select string_agg(wikiembed_private.compared(v_column, v_type, p_column, (v_comparisons ->> r.key)::smallint, r.value), ' and ')
                from jsonb_each(p_value) as r);
    when 'null' then
      return v_column || ' is null';
    else
      return wikiembed_private.compared(v_column, v_type, p_column, 3, p_value);
  end case;
end;
$$;
comment on function wikiembed_private.column_condition(text, pg_attribute, jsonb) is
  'Returns the SQL condition that a column equals a value, is one of a list, lies within a range, or contains an object. Raises WE013.';

create or replace function wikiembed_private.compared(
  p_expression text, p_type text, p_column pg_attribute, p_strategy integer, p_value jsonb
) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text := case when p_column.atttypid in ('jsonb'::regtype) then p_value::text else p_value #>> '{}' end;
  v_operator text := wikiembed_private.comparison(p_column.atttypid, p_strategy);
begin
  if v_operator is null or (jsonb_typeof(p_value) in ('array', 'object') and p_column.atttypid <> 'jsonb'::regtype) then
    raise exception 'column "%" of type % cannot be compared with %', p_column.attname, format_type(p_column.atttypid, null), left(p_value::text, 100)
      using errcode = 'WE013';
  end if;
  begin
    execute format('select %L::%s', v_text, p_type);
  exception when data_exception or integrity_constraint_violation then
    raise exception 'column "%" is of type %, which % is not', p_column.attname, format_type(p_column.atttypid, null), left(p_value::text, 100)
      using errcode = 'WE013';
  end;
  return format('%s %s %L::%s', p_expression, v_operator, v_text, p_type);
end;
$$;
comment on function wikiembed_private.compared(text, text, pg_attribute, integer, jsonb) is
  'Returns the SQL comparison of a column with a value, by the number of a btree strategy. Raises WE013.';

create or replace function wikiembed_private.comparison(p_type oid, p_strategy integer) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive base as (
    select t.oid, t.typtype, t.typbasetype from pg_type as t where t.oid = p_type
    union all
    select t.oid, t.typtype, t.typbasetype from base as b join pg_type as t on t.oid = b.typbasetype where b.typtype = 'd'
  ), operand as (
    select b.oid, case when b.oid = 'varchar'::regtype then 'text'::regtype::oid
                       when b.typtype = 'e' then 'anyenum'::regtype::oid
                       when t.typcategory = 'A' then 'anyarray'::regtype::oid
                       when b.typtype = 'r' then 'anyrange'::regtype::oid else b.oid end as input
      from base as b join pg_type as t on t.oid = b.oid where b.typtype <> 'd'
  )
  select format('operator(%I.%s)', n.nspname, o.oprname)
    from operand as p
    join pg_opclass as c on c.opcintype = p.input and c.opcdefault
    join pg_am as m on m.oid = c.opcmethod and m.amname = 'btree'
    join pg_amop as a on a.amopfamily = c.opcfamily and a.amopstrategy = p_strategy
                     and a.amoplefttype = c.opcintype and a.amoprighttype = c.opcintype
    join pg_operator as o on o.oid = a.amopopr
    join pg_namespace as n on n.oid = o.oprnamespace
$$;
comment on function wikiembed_private.comparison(oid, integer) is
  'Returns the comparison operator of a type, with its schema; null when the type has no order.';
