-- The wiki's tables outlive `wikiembed uninstall`, unless it is told otherwise: they may be there.
create table if not exists public.wiki_pages (
  id bigint generated always as identity primary key,
  title text not null unique,
  digest text not null,
  loaded_at timestamptz not null default now()
);
comment on table public.wiki_pages is 'One row per page of wikiembed''s wiki; written by load_pages.';
comment on column public.wiki_pages.id is 'The page.';
comment on column public.wiki_pages.title is 'Its title.';
comment on column public.wiki_pages.digest is 'SHA-256 of its chunks, by which an unchanged page is known.';
comment on column public.wiki_pages.loaded_at is 'When it was loaded or changed last.';

create table if not exists public.wiki_chunks (
  id bigint generated always as identity primary key,
  page_id bigint not null references public.wiki_pages (id) on delete cascade,
  position integer not null,
  content text not null,
  embedding vector,
  constraint a_place_holds_one_chunk unique (page_id, position)
);
comment on table public.wiki_chunks is 'The chunks of the pages of wikiembed''s wiki; embedding null means to do.';
comment on column public.wiki_chunks.id is 'The chunk.';
comment on column public.wiki_chunks.page_id is 'Its page.';
comment on column public.wiki_chunks.position is 'Its place in the page, from 0.';
comment on column public.wiki_chunks.content is 'Its text, at most about 1,000 characters.';
comment on column public.wiki_chunks.embedding is 'The vector of that text; written by workers.';

-- The dimensions are those of the settings; a table that was there keeps its own.
do $$
begin
  if (select a.atttypmod = -1 from pg_catalog.pg_attribute as a
       where a.attrelid = 'public.wiki_chunks'::pg_catalog.regclass and a.attname = 'embedding') then
    execute pg_catalog.format('alter table public.wiki_chunks alter column embedding type vector(%s)',
      pg_catalog.current_setting('wikiembed.dimensions')::integer);
  end if;
end;
$$;
