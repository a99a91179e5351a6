-- Rows that are not folded yet and gained nothing stand apart.
create view wikiembed.throughput as
select l.source, date_trunc('minute', l.at) as minute, sum(l.gained)::bigint as chunks
  from only wikiembed.ledger as l
 where l.gained > 0
 group by l.source, date_trunc('minute', l.at);
