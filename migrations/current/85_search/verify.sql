-- For checks of the model: some embedded chunks, from pages chosen at random, so that a table of any
-- size is read in part. More pages are read where few of their rows have a vector. The same seed
-- chooses the same pages again: a stable function reads one snapshot. Chunks of different pages come
-- first, since those of one page are often of one document.
create or replace function wikiembed.sample_embedded(p_source text, p_chunks integer)
returns table (key text, content text, embedding vector, truncated boolean, chars_kept integer)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_source wikiembed.sources := wikiembed_private.get_source(p_source);
  v_chunks integer := least(greatest(p_chunks, 1), 1000);
  v_seed double precision := random();
  v_total double precision;
  v_pages integer;
  v_percent real;
  v_found bigint;
begin
  perform wikiembed_private.require_table(v_source);
  with recursive parts (relation) as (
    select v_source.relation::oid
    union
    select i.inhrelid from pg_inherits as i join parts as p on i.inhparent = p.relation
  )
  select sum(pg_relation_size(p.relation)) / current_setting('block_size')::integer into v_total from parts as p;
  foreach v_pages in array array[16 + 4 * v_chunks, 4096 + 4 * v_chunks] loop
    v_percent := least(100, 100 * v_pages / greatest(v_total, 1));
    execute wikiembed_private.render_template(v_source, $sql$
      select count(*) from @table@ as t tablesample system ($1) repeatable ($2) where t.@embedding@ is not null
    $sql$) into v_found using v_percent, v_seed;
    exit when v_found >= v_chunks or v_percent = 100;
  end loop;
  return query execute wikiembed_private.render_template(v_source, $sql$
    select @key_of(t)@, @text_of(t)@, t.@embedding@::@vector_schema@.vector, c.key is not null, c.chars_kept
      from (
        select t.*
          from @table@ as t tablesample system ($1) repeatable ($2)
         where t.@embedding@ is not null
         order by row_number() over (partition by t.tableoid, (t.ctid::text::point)[0] order by random()), random()
         limit $3) as t
      left join wikiembed.truncated_chunks as c on c.source = @source@ and c.key = (@key_of(t)@) collate "C"
  $sql$) using v_percent, v_seed, v_chunks;
end;
$$;
comment on function wikiembed.sample_embedded(text, integer) is
  'At most p_chunks (1 to 1,000) chunks that have a vector, chosen at random: key, text without the prefix, vector, and whether only its beginning is embedded, of how many characters (null: not known). Reads some pages of the table; none may be found where few rows have a vector. Raises WE001.';

create or replace function wikiembed.due_model_checks(p_every interval default '23 hours') returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select s.name from wikiembed.sources as s
   where s.model is not null
     and wikiembed_private.qualified(s.relation) is not null
     and not wikiembed_private.is_paused(s.paused_at, s.resume_at)
     and not exists (select from wikiembed.model_checks as m
                      where m.source = s.name and m.model = s.model and m.at > clock_timestamp() - p_every)
   order by random()
$$;
comment on function wikiembed.due_model_checks(interval) is
  'The sources that are embedded and not paused, and whose model was not checked for so long, in random order.';

create or replace function wikiembed.record_model_check(
  p_source text, p_model text, p_sample integer, p_median_distance double precision,
  p_max_distance double precision, p_outcome text
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.get_source(p_source);
  insert into wikiembed.model_checks (source, model, sample, median_distance, max_distance, outcome)
  values (p_source, p_model, p_sample, p_median_distance, p_max_distance, p_outcome);
  delete from wikiembed.model_checks as m
   where m.source = p_source and m.at < clock_timestamp() - interval '90 days';
end;
$$;
comment on function wikiembed.record_model_check(text, text, integer, double precision, double precision, text) is
  'Records the result of a check of a source''s model, and deletes those of the source from before 90 days. Raises WE001.';
