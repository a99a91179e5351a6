-- In one transaction with the vectors: no truncated vector ever exists without its mark.
create or replace function wikiembed.write_truncated(
  p_source text, p_keys text[], p_versions bigint[], p_embeddings vector[],
  p_chars integer[], p_chars_kept integer[], p_attempt integer default 0
) returns table (key text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys text[];
  v_outcomes text[];
begin
  if cardinality(p_keys) <> cardinality(p_chars) or cardinality(p_keys) <> cardinality(p_chars_kept) then
    raise exception 'keys and numbers of characters differ in length'
      using errcode = 'WE010',
            hint = format('Got %s, %s and %s.', cardinality(p_keys), cardinality(p_chars), cardinality(p_chars_kept));
  end if;
  select array_agg(o.key), array_agg(o.outcome) into v_keys, v_outcomes
    from wikiembed.write_embeddings(p_source, p_keys, p_versions, p_embeddings, p_attempt) as o;
  insert into wikiembed.truncated_chunks as c (source, key, chars, chars_kept)
  select distinct on (g.key collate "C") p_source, g.key, g.chars, g.chars_kept
    from unnest(p_keys, p_chars, p_chars_kept) as g (key, chars, chars_kept)
    join unnest(v_keys, v_outcomes) as o (key, outcome) on o.key collate "C" = g.key collate "C"
   where o.outcome = 'written'
   order by g.key collate "C"
      on conflict on constraint truncated_chunks_pkey do update
         set chars = excluded.chars, chars_kept = excluded.chars_kept, at = excluded.at;
  return query select * from unnest(v_keys, v_outcomes);
end;
$$;
comment on function wikiembed.write_truncated(text, text[], bigint[], vector[], integer[], integer[], integer) is
  'Stores vectors of texts that were cut, as write_embeddings does, and marks those that are written in truncated_chunks; p_chars_kept is null where the server cut. Raises WE001, WE010, WE012.';

-- As forget_failures: each key is looked up by itself, and locked in key order.
create or replace function wikiembed_private.forget_truncated(p_source text, p_keys text[]) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_places tid[];
  v_forgotten bigint;
begin
  v_places := array(
    select h.place
      from (select distinct k.key collate "C" as key from unnest(p_keys) as k (key) order by 1) as a
     cross join lateral (
       select c.ctid as place from wikiembed.truncated_chunks as c
        where c.source = p_source collate "default" and c.key = a.key
          for update) as h);
  if cardinality(v_places) = 0 then
    return 0;
  end if;
  delete from wikiembed.truncated_chunks as c where c.ctid = any (v_places);
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end;
$$;
comment on function wikiembed_private.forget_truncated(text, text[]) is
  'Deletes the marks of chunks that are no longer truncated, locked in key order; returns the number of them.';

-- Called once per process and source. The result for a server and model applies to every source.
create or replace function wikiembed.find_truncation_check(p_source text, p_server text, p_model text)
returns table (outcome text, from_chars integer, checked_chars integer, age_s double precision)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into wikiembed.truncation_checks as c
    (source, server, model, outcome, from_chars, checked_chars, checked_at)
  select s.name, k.server, k.model, k.outcome, k.from_chars, k.checked_chars, k.checked_at
    from wikiembed.sources as s, wikiembed.truncation_checks as k
   where s.name = p_source and k.server = p_server and k.model = p_model
   order by k.checked_at desc
   limit 1
      on conflict on constraint truncation_checks_pkey do update
         set outcome = excluded.outcome, from_chars = excluded.from_chars,
             checked_chars = excluded.checked_chars, checked_at = excluded.checked_at,
             used_at = excluded.used_at;
  return query
    select c.outcome, c.from_chars, c.checked_chars,
           extract(epoch from clock_timestamp() - c.checked_at)::double precision
      from wikiembed.truncation_checks as c
     where c.source = p_source and c.server = p_server and c.model = p_model;
end;
$$;
comment on function wikiembed.find_truncation_check(text, text, text) is
  'The latest result of a check for silent truncation of this server and model, and its age in seconds; records that the source is embedded there now. No row: not checked yet.';

create or replace function wikiembed.record_truncation_check(
  p_source text, p_server text, p_model text, p_outcome text,
  p_from_chars integer, p_checked_chars integer
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.get_source(p_source);
  insert into wikiembed.truncation_checks as c
    (source, server, model, outcome, from_chars, checked_chars)
  values (p_source, p_server, p_model, p_outcome, p_from_chars, p_checked_chars)
      on conflict on constraint truncation_checks_pkey do update
         set outcome = excluded.outcome, from_chars = excluded.from_chars,
             checked_chars = excluded.checked_chars, checked_at = excluded.checked_at;
  update wikiembed.truncation_checks as c
     set outcome = p_outcome, from_chars = p_from_chars, checked_chars = p_checked_chars,
         checked_at = clock_timestamp()
   where c.server = p_server and c.model = p_model and c.source <> p_source;
end;
$$;
comment on function wikiembed.record_truncation_check(text, text, text, text, integer, integer) is
  'Records the result of a check for silent truncation: outcome silent (from p_from_chars on), refused, whole or unanswered, and how many characters were tried; for every source of that server and model. Raises WE001.';

create or replace view wikiembed.truncation as
select s.name as source, coalesce(t.truncated, 0) as truncated, c.server, c.outcome,
       c.from_chars, c.checked_chars, c.checked_at
  from wikiembed.sources as s
  left join (
    select t.source, count(*) as truncated from wikiembed.truncated_chunks as t group by t.source
  ) as t on t.source = s.name
  left join lateral (
    select c.server, c.outcome, c.from_chars, c.checked_chars, c.checked_at
      from wikiembed.truncation_checks as c
     where c.source = s.name and (s.model is null or c.model = s.model)
     order by c.used_at desc
     limit 1
  ) as c on true;

comment on view wikiembed.truncation is
  'Per source, how many chunks are embedded by their beginning only, and whether its server cuts long texts silently.';
comment on column wikiembed.truncation.source is 'The source.';
comment on column wikiembed.truncation.truncated is
  'Chunks in wikiembed.truncated_chunks; texts that a server cut silently are not included.';
comment on column wikiembed.truncation.server is 'The server that was used last; null before the first check.';
comment on column wikiembed.truncation.outcome is
  'Result of the check of that server: silent, refused, whole or unanswered; null before the first check.';
comment on column wikiembed.truncation.from_chars is
  'Characters of English text from which on it cuts silently; null unless outcome is silent.';
comment on column wikiembed.truncation.checked_chars is 'Characters of the longest text that was tried.';
comment on column wikiembed.truncation.checked_at is 'When it was checked.';
