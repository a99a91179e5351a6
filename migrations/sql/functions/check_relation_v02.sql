create function wikiembed_private.check_relation(p_relation regclass) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_class pg_class;
  v_why text;
begin
  select c.* into v_class from pg_class as c where c.oid = p_relation;
  if not found then
    raise exception 'the table does not exist'
      using errcode = 'WE004', hint = 'Give its name with the schema, as in public.docs.';
  end if;
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
  end;
  if v_why is not null then
    raise exception '% cannot be attached: %', p_relation, v_why
      using errcode = 'WE004', hint = coalesce((
        select format('Attach %s', pg_partition_root(p_relation))
         where v_class.relispartition),
        'Attach an ordinary or a partitioned table.');
  end if;
end;
$$;
comment on function wikiembed_private.check_relation(regclass) is
  'Raises WE004 for what is not an ordinary or partitioned table.';
