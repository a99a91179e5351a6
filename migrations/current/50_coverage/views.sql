-- The ledger is read once, and has one row of a source that is older than two minutes: folded rows and
-- gains by source, the rest by sum_deltas, which every role that reads the view may call. Jobs are not read: the chunks in
-- them are summed by the triggers of the queue (30_queue/counts.sql), and read only for a source that is held back.
create or replace view wikiembed.coverage as
select s.name as source,
       c.total,
       c.embedded,
       c.total - c.embedded - c.skipped as missing,
       c.failed,
       c.skipped,
       case when c.total > c.skipped
            then greatest(0, least(100, trunc(100.0 * c.embedded / (c.total - c.skipped), 2)))
       end::numeric(5, 2) as coverage_pct,
       round(c.chunks_per_s, 1) as chunks_per_s,
       case when c.total - c.embedded - c.skipped - c.failed - o.held_back <= 0 then interval '0'
            when c.chunks_per_s > 0 then
              make_interval(secs => round(
                (c.total - c.embedded - c.skipped - c.failed - o.held_back) / c.chunks_per_s)::double precision)
       end as eta,
       h.paused as paused,
       case when h.paused then s.pause_reason end as pause_reason,
       c.total - c.embedded - c.skipped = 0 and c.embedded > 0
         and not wikiembed_private.has_waiting_document(s.name) as ready,
       o.held_back,
       c.total = 0 and s.model is null and s.relation = to_regclass('public.wiki_chunks')
         and not wikiembed_private.has_waiting_document(s.name)
         and exists (select from wikiembed.sources as other where other.relation <> s.relation) as unused
  from wikiembed.sources as s
 cross join lateral wikiembed_private.sum_deltas(s.name) as d
 cross join lateral (
   select coalesce(sum(l.total), 0)::bigint + d.total as total,
          coalesce(sum(l.embedded), 0)::bigint + d.embedded as embedded,
          coalesce(sum(l.failed), 0)::bigint as failed, coalesce(sum(l.skipped), 0)::bigint as skipped,
          coalesce(
            sum(l.gained) filter (where l.gained > 0 and l.at > clock_timestamp() - interval '1 minute')
              / greatest(1, extract(epoch from clock_timestamp() - min(l.at) filter (
                  where l.gained > 0 and l.at > clock_timestamp() - interval '1 minute'))),
            0)::numeric as chunks_per_s
     from only wikiembed.ledger as l where l.source = s.name) as c
 cross join lateral (
   select wikiembed_private.is_paused(s.paused_at, s.resume_at) as paused) as h
 cross join lateral (
   select coalesce(sum(l.chunks), 0)::bigint as chunks from wikiembed_private.queue_ledger as l
    where s.held_back_at is not null and l.queue_name = s.queue_name) as q
 cross join lateral (
   select case when s.held_back_at is null then 0
               else greatest(0, c.total - c.embedded - c.skipped - c.failed - q.chunks)
          end as held_back) as o;
comment on view wikiembed.coverage is
  'One row per source: exact counts from the ledger; total = embedded + missing + skipped.';
comment on column wikiembed.coverage.source is 'The source.';
comment on column wikiembed.coverage.total is 'Rows of the table.';
comment on column wikiembed.coverage.embedded is 'Rows with a vector.';
comment on column wikiembed.coverage.missing is 'Rows that still lack a vector, including failed ones.';
comment on column wikiembed.coverage.failed is 'Missing rows that are in failures.';
comment on column wikiembed.coverage.skipped is 'Rows that are skipped: they do not count as missing.';
comment on column wikiembed.coverage.chunks_per_s is 'Vectors stored per second over the last minute.';
comment on column wikiembed.coverage.paused is 'True while the source is paused.';
comment on column wikiembed.coverage.pause_reason is 'Why it is paused.';
comment on column wikiembed.coverage.coverage_pct is
  'embedded ÷ (total − skipped), in percent, cut to two digits; null when there is nothing to embed.';
comment on column wikiembed.coverage.eta is
  'Time left at that rate for the rows that are not held back; null when the rate is 0.';
comment on column wikiembed.coverage.ready is
  'True when some row is embedded, none is missing and no document waits to be split; is_ready() reads the table itself.';
comment on column wikiembed.coverage.held_back is
  'Missing rows in no job and no failure that wait for enqueue, where sources.held_back_at is set; fewer while a row is queued twice.';
comment on column wikiembed.coverage.unused is
  'True for the built-in source of wiki_chunks that is empty, has no model yet and no page that waits, when other tables are attached: is_ready() and `wikiembed ready` over all sources leave it out.';

create or replace view wikiembed.throughput as
select g.source, date_trunc('minute', g.at) as minute, sum(g.chunks)::bigint as chunks
  from wikiembed_private.gains as g
 group by g.source, date_trunc('minute', g.at);
comment on view wikiembed.throughput is 'Chunks embedded per minute, per hour after a day.';
comment on column wikiembed.throughput.source is 'The source.';
comment on column wikiembed.throughput.minute is 'Begin of the minute (of the hour, when older than a day).';
comment on column wikiembed.throughput.chunks is 'Vectors stored in it.';
