-- Tables of the wiki that outlived `wikiembed uninstall` have this step's columns already, and the first
-- step comments on the former ones: they are there until this step drops them.
do $$
begin
  if exists (select from pg_catalog.pg_attribute as a
              where a.attrelid = pg_catalog.to_regclass('public.wiki_chunks') and a.attname = 'document_id') then
    alter table public.wiki_pages add column if not exists digest text;
    alter table public.wiki_chunks add column if not exists page_id bigint;
  end if;
end;
$$;
