-- What is in no file of current/ any more is dropped in 99_finish: a function whose row of the catalogue is
-- then the same as now was in none.
select pg_catalog.set_config('wikiembed.functions_before', coalesce((
  select pg_catalog.string_agg(p.oid || ':' || p.xmin, ' ') from pg_catalog.pg_proc as p
   where p.pronamespace in (to_regnamespace('wikiembed'), to_regnamespace('wikiembed_private'))), ''), true);
