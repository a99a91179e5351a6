-- Only differences are written: an unchanged page has the same digest, an unchanged chunk the same
-- text, so that loading a file again queues nothing.
create or replace function wikiembed.load_pages(p_pages jsonb)
returns table (added bigint, changed bigint, unchanged bigint, chunks_written bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
  v_titles text[];
  v_deleted bigint;
begin
  with touched as (
    insert into public.wiki_pages as p (title, digest)
    select distinct on (g.page ->> 'title') g.page ->> 'title', g.page ->> 'digest'
      from jsonb_array_elements(p_pages) with ordinality as g (page, n)
     order by g.page ->> 'title', g.n desc
        on conflict (title) do update set digest = excluded.digest, loaded_at = now()
     where p.digest <> excluded.digest
    returning p.id, p.title, p.xmax = 0 as is_new
  )
  select coalesce(array_agg(t.id), '{}'), coalesce(array_agg(t.title), '{}'),
         count(*) filter (where t.is_new), count(*) filter (where not t.is_new)
    into v_ids, v_titles, added, changed from touched as t;
  select count(distinct g.page ->> 'title') - added - changed into unchanged
    from jsonb_array_elements(p_pages) as g (page);
  with given as (
    select distinct on (t.id) t.id as page_id, jsonb_array_length(g.page -> 'chunks') as chunks
      from unnest(v_ids, v_titles) as t (id, title)
      join jsonb_array_elements(p_pages) with ordinality as g (page, n) on g.page ->> 'title' = t.title
     order by t.id, g.n desc
  )
  delete from public.wiki_chunks as c using given as g
   where c.page_id = g.page_id and c.position >= g.chunks;
  get diagnostics v_deleted = row_count;
  with given as (
    select distinct on (t.id) t.id as page_id, g.page -> 'chunks' as chunks
      from unnest(v_ids, v_titles) as t (id, title)
      join jsonb_array_elements(p_pages) with ordinality as g (page, n) on g.page ->> 'title' = t.title
     order by t.id, g.n desc
  )
  insert into public.wiki_chunks as c (page_id, position, content)
  select g.page_id, k.n - 1, k.content
    from given as g, jsonb_array_elements_text(g.chunks) with ordinality as k (content, n)
   order by g.page_id, k.n
      on conflict (page_id, position) do update set content = excluded.content
   where c.content <> excluded.content;
  get diagnostics chunks_written = row_count;
  chunks_written := chunks_written + v_deleted;
  return next;
end;
$$;
comment on function wikiembed.load_pages(jsonb) is
  'Writes pages [{title, digest, chunks: [text]}]; returns the number of pages added, changed and unchanged, and of chunks written or removed.';
