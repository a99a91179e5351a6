create table public.wiki_chunks (
  id bigint generated always as identity primary key,
  page_id bigint not null references public.wiki_pages (id) on delete cascade,
  position integer not null,
  content text not null,
  embedding vector_schema.vector(vector_dimensions),
  constraint a_place_holds_one_chunk unique (page_id, position)
);
comment on table public.wiki_chunks is 'The chunks of the wiki''s pages; embedding null means to do.';
comment on column public.wiki_chunks.id is 'The chunk.';
comment on column public.wiki_chunks.page_id is 'Its page.';
comment on column public.wiki_chunks.position is 'Its place in the page, from 0.';
comment on column public.wiki_chunks.content is 'Its text, at most about 1,000 characters.';
comment on column public.wiki_chunks.embedding is 'The vector of that text; written by workers.';
