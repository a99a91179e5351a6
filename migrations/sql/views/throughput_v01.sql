create view wikiembed.throughput as
select l.source, date_trunc('minute', l.at) as minute, sum(l.gained)::bigint as chunks
  from wikiembed.ledger as l
 where l.gained > 0
 group by l.source, date_trunc('minute', l.at);

comment on view wikiembed.throughput is 'Chunks embedded a minute, an hour after a day: the history of the ledger.';
comment on column wikiembed.throughput.source is 'The source.';
comment on column wikiembed.throughput.minute is 'Begin of the minute (of the hour, when older than a day).';
comment on column wikiembed.throughput.chunks is 'Vectors stored in it.';
