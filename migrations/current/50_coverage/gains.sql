-- Of each source only the rows since then are read, by the index: view throughput reads all of them.
create or replace function wikiembed.throughput_since(
  p_since timestamptz, p_every interval default '1 minute', p_source text default null
) returns table (source text, begins_at timestamptz, chunks bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select s.name, g.begins_at, g.chunks
    from wikiembed.sources as s
   cross join lateral (
     select date_bin(p_every, l.at, p_since) as begins_at, sum(l.gained)::bigint as chunks
       from only wikiembed.ledger as l
      where l.source = s.name and l.at >= p_since and l.gained > 0
      group by 1) as g
   where p_source is null or s.name = p_source
   order by s.name, g.begins_at;
$$;
comment on function wikiembed.throughput_since(timestamptz, interval, text) is
  'Vectors stored since a time, in steps of p_every from it; steps without any are left out. Rows older than a day are of whole hours.';
