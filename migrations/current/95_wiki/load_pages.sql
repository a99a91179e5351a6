-- Only differences are written: a page whose text is the same is not touched, so that loading a file again
-- queues nothing. Workers split what is written.
create or replace function wikiembed.load_pages(p_pages jsonb)
returns table (added bigint, changed bigint, unchanged bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  with given as materialized (
    select distinct on (g.page ->> 'title') g.page ->> 'title' as title, g.page ->> 'content' as content
      from jsonb_array_elements(p_pages) with ordinality as g (page, n)
     order by g.page ->> 'title', g.n desc
  ), touched as (
    insert into public.wiki_pages as p (title, content)
    select g.title, g.content from given as g order by g.title
        on conflict (title) do update set content = excluded.content, loaded_at = now()
     where p.content collate "C" <> excluded.content
    returning p.xmax = 0 as is_new
  )
  select count(*) filter (where t.is_new), count(*) filter (where not t.is_new), (select count(*) from given) - count(*)
    into added, changed, unchanged from touched as t;
  return next;
end;
$$;
comment on function wikiembed.load_pages(jsonb) is
  'Writes pages [{title, content}], of a title that occurs twice the last one; returns the number of pages added, changed and unchanged. Workers split what is written.';
