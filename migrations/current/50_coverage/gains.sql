-- What was stored in the last minutes is in the ledger, what is older in the history. Every reader of
-- throughput reads these rows; a condition on source and time is passed on to the indexes of both.
create or replace view wikiembed_private.gains as
select h.source, h.at, h.chunks from wikiembed_private.throughput_history as h
union all
select l.source, l.at, l.gained from only wikiembed.ledger as l where l.gained > 0;
comment on view wikiembed_private.gains is 'Vectors stored, in rows of the ledger and of its history; for throughput.';
comment on column wikiembed_private.gains.source is 'The source.';
comment on column wikiembed_private.gains.at is 'When, or the minute or hour.';
comment on column wikiembed_private.gains.chunks is 'Vectors stored.';

-- Of each source only the rows since then are read, by the indexes: view throughput reads all of them.
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
     select date_bin(p_every, h.at, p_since) as begins_at, sum(h.chunks)::bigint as chunks
       from wikiembed_private.gains as h
      where h.source = s.name and h.at >= p_since
      group by 1) as g
   where p_source is null or s.name = p_source
   order by s.name, g.begins_at;
$$;
comment on function wikiembed.throughput_since(timestamptz, interval, text) is
  'Vectors stored since a time, in steps of p_every from it; steps without any are left out. Rows older than a day are of whole hours.';
