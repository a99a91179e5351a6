-- squawk-ignore-file require-concurrent-index-deletion
-- What databases of the revisions 0009 to 0013, of before the first release, lack beside the tables that the
-- baseline creates where they are missing. What they have is left as it is.
drop index if exists wikiembed.failures_by_class;
alter table wikiembed.sources add column if not exists attached_as text;
update wikiembed.sources as s set attached_as = wikiembed_private.qualified(s.relation) where s.attached_as is null;
drop trigger if exists wikiembed_hold_paused on wikiembed_queue.procrastinate_jobs;
drop trigger if exists wikiembed_notify_seldom on wikiembed_queue.procrastinate_jobs;
-- By these comments the tables are known as wikiembed's when they outlive an uninstall.
do $$
begin
  if pg_catalog.to_regclass('public.wiki_pages') is not null
     and pg_catalog.to_regclass('public.wiki_chunks') is not null then
    comment on table public.wiki_pages is 'One row per page of wikiembed''s wiki; written by load_pages.';
    comment on table public.wiki_chunks is
      'The chunks of the pages of wikiembed''s wiki; embedding null means to do.';
  end if;
end;
$$;
