-- 99_finish drops the functions that no file of current/ defines any more: those whose catalogue row is then
-- the same as now.
select pg_catalog.set_config('wikiembed.functions_before', coalesce((
  select pg_catalog.string_agg(p.oid || ':' || p.xmin, ' ') from pg_catalog.pg_proc as p
   where p.pronamespace in (to_regnamespace('wikiembed'), to_regnamespace('wikiembed_private'))), ''), true);
