create table wikiembed.outages (
  id bigint generated always as identity primary key,
  server text not null,
  since timestamptz not null,
  last_seen_at timestamptz not null,
  ended_at timestamptz,
  error_class text not null,
  http_status integer,
  reason text not null default '',
  times integer not null default 1
);
create unique index outages_open on wikiembed.outages (server) where ended_at is null;
create index outages_by_server on wikiembed.outages (server, ended_at);

comment on table wikiembed.outages is
  'When an embedding server was out of reach and why, one row an outage, for 30 days; written by report_outage and end_outage.';
comment on column wikiembed.outages.id is 'Row number.';
comment on column wikiembed.outages.server is 'The server''s URL, without user, password and query.';
comment on column wikiembed.outages.since is 'When a worker met it first.';
comment on column wikiembed.outages.last_seen_at is 'When a worker met it last; older than 90 s: no worker asks the server any more.';
comment on column wikiembed.outages.ended_at is
  'When a worker had an answer again; null while it lasts. Nobody watched between last_seen_at and then.';
comment on column wikiembed.outages.error_class is
  'Stable word for what was met last: throttled (429), or a class of docs/reference/failures.md.';
comment on column wikiembed.outages.http_status is 'Status of the server''s last answer, where there was one.';
comment on column wikiembed.outages.reason is 'What was met last, in one sentence of at most 300 characters; never a chunk''s text.';
comment on column wikiembed.outages.times is 'Interruptions in it: ends that lasted less than 60 s do not make a new row.';
