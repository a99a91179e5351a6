create table public.wiki_pages (
  id bigint generated always as identity primary key,
  title text not null unique,
  digest text not null,
  loaded_at timestamptz not null default now()
);
comment on table public.wiki_pages is 'One row a wiki page; written by load_pages.';
comment on column public.wiki_pages.id is 'The page.';
comment on column public.wiki_pages.title is 'Its title.';
comment on column public.wiki_pages.digest is 'SHA-256 of its chunks, by which an unchanged page is known.';
comment on column public.wiki_pages.loaded_at is 'When it was loaded or changed last.';
