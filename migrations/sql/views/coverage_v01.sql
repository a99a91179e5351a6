-- is_held() is written out: a view calls functions with its reader's rights.
create view wikiembed.coverage as
select s.name as source,
       c.total,
       c.embedded,
       c.total - c.embedded - c.skipped as missing,
       c.failed,
       c.skipped,
       case when c.total <= c.skipped then 100.00
            else greatest(0, least(100, trunc(100.0 * c.embedded / (c.total - c.skipped), 2)))
       end::numeric(5, 2) as coverage_pct,
       round(r.chunks_per_s, 1) as chunks_per_s,
       case when c.total - c.embedded - c.skipped - c.failed <= 0 then interval '0'
            when r.chunks_per_s > 0 then
              make_interval(secs => round((c.total - c.embedded - c.skipped - c.failed) / r.chunks_per_s)::double precision)
       end as eta,
       h.is_held as paused,
       case when h.is_held then s.pause_reason end as pause_reason,
       c.total - c.embedded - c.skipped = 0 as ready
  from wikiembed.sources as s
 cross join lateral (
   select coalesce(sum(l.total), 0)::bigint as total, coalesce(sum(l.embedded), 0)::bigint as embedded,
          coalesce(sum(l.failed), 0)::bigint as failed, coalesce(sum(l.skipped), 0)::bigint as skipped
     from wikiembed.ledger as l where l.source = s.name) as c
 cross join lateral (
   select coalesce(sum(l.gained) / greatest(1, extract(epoch from clock_timestamp() - min(l.at))), 0)::numeric as chunks_per_s
     from wikiembed.ledger as l
    where l.source = s.name and l.at > clock_timestamp() - interval '1 minute' and l.gained > 0) as r
 cross join lateral (
   select s.paused_at is not null and (s.resume_at is null or s.resume_at > clock_timestamp()) as is_held) as h;

comment on view wikiembed.coverage is
  'One row a source: exact counts from the ledger; total = embedded + missing + skipped.';
comment on column wikiembed.coverage.source is 'The source.';
comment on column wikiembed.coverage.total is 'Rows of the table.';
comment on column wikiembed.coverage.embedded is 'Rows with a vector.';
comment on column wikiembed.coverage.missing is 'Rows that still wait for a vector, the failed ones included.';
comment on column wikiembed.coverage.failed is 'Missing rows that are in failures.';
comment on column wikiembed.coverage.skipped is 'Rows that nobody waits for.';
comment on column wikiembed.coverage.coverage_pct is 'embedded ÷ (total − skipped), in percent, cut to two digits.';
comment on column wikiembed.coverage.chunks_per_s is 'Vectors stored a second over the last minute.';
comment on column wikiembed.coverage.eta is 'Time left at that rate; null when nothing moves.';
comment on column wikiembed.coverage.paused is 'True while the source is paused.';
comment on column wikiembed.coverage.pause_reason is 'Why it is paused.';
comment on column wikiembed.coverage.ready is 'True when no row is missing; is_ready() asks the table itself.';
