-- What can work, in this order: a column that is a key already, what the column lacks, a new column.
-- A column that is one of several in a key is meant to repeat: a unique index on it would refuse
-- rows that are right, even where none repeats today.
create function wikiembed_private.key_advice(p_relation regclass, p_column name) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_keys name[] := wikiembed_private.usable_keys(p_relation);
  v_column pg_attribute;
  v_partitioned_by smallint[];
  v_shared boolean;
  v_bad boolean := false;
begin
  if cardinality(v_keys) > 0 then
    return format('Name another key: %s', (select string_agg(k, ', ') from unnest(v_keys) as k));
  end if;
  select a.* into v_column from pg_attribute as a
   where a.attrelid = p_relation and a.attname = p_column and a.attnum > 0 and not a.attisdropped;
  select p.partattrs::smallint[] into v_partitioned_by from pg_partitioned_table as p where p.partrelid = p_relation;
  if v_partitioned_by is not null and not v_partitioned_by <@ array[v_column.attnum] then
    return format('Every unique index of a partitioned table holds the columns that it is partitioned by (%s), so no'
      ' column alone can be a key: attach a table that is partitioned by its key, or not at all; keys of several'
      ' columns come in a later release', (
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
    ' table, and name %2$I as the key%3$s', p_relation, wikiembed_private.free_column(p_relation, 'row_id'),
    case when v_shared then '; keys of several columns come in a later release' else '' end);
end;
$$;
comment on function wikiembed_private.key_advice(regclass, name) is
  'What can be done so that a table has a key, where a column is none.';
