-- What 99_finish may drop, give to another owner, or revoke: functions of users in these schemas stay as
-- they are. Names of types instead of their numbers, which differ after a restore.
create or replace function wikiembed_private.signature_of(p_function oid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select format('%s.%I(%s)', p.pronamespace::regnamespace, p.proname, (
           select string_agg(t.typname, ',' order by a.number)
             from unnest(p.proargtypes) with ordinality as a (type, number)
             join pg_type as t on t.oid = a.type))
    from pg_proc as p
   where p.oid = p_function;
$$;
comment on function wikiembed_private.signature_of(oid) is
  'Schema, name and parameter types of a function, as in table written_functions.';

create or replace function wikiembed_private.is_written(p_function oid) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.signature_of(p_function) in (select w.function from wikiembed_private.written_functions as w)
         or coalesce(obj_description(p_function, 'pg_proc') like wikiembed_private.generated_comment('%'), false);
$$;
comment on function wikiembed_private.is_written(oid) is
  'Whether wikiembed wrote a function, from a file or for a source; false for a user''s in the same schemas.';

comment on table wikiembed_private.written_functions is
  'The functions that the last wikiembed migrate wrote. The next one drops those that it no longer has.';
comment on column wikiembed_private.written_functions.function is
  'Schema, name and parameter types, as signature_of() returns them.';
