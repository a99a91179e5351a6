-- The ledger is read once: what was folded or gained by source, the rest by sum_deltas, which whoever
-- reads the view may call. is_held() is written out: a view calls functions with its reader's rights.
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
       round(c.chunks_per_s, 1) as chunks_per_s,
       case when c.total - c.embedded - c.skipped - c.failed <= 0 then interval '0'
            when c.chunks_per_s > 0 then
              make_interval(secs => round((c.total - c.embedded - c.skipped - c.failed) / c.chunks_per_s)::double precision)
       end as eta,
       h.is_held as paused,
       case when h.is_held then s.pause_reason end as pause_reason,
       c.total - c.embedded - c.skipped = 0 as ready
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
   select s.paused_at is not null and (s.resume_at is null or s.resume_at > clock_timestamp()) as is_held) as h;
