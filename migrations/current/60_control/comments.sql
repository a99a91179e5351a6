-- Comments on tables, their columns and schemas: what, unit, who writes it.
comment on table wikiembed.action_log is
  'Who paused, resumed, retried, skipped, attached, detached, switched, when and why; written by those functions.';
comment on column wikiembed.action_log.id is 'Row number.';
comment on column wikiembed.action_log.at is 'When it was done.';
comment on column wikiembed.action_log.who is 'Session user, and the person whom the command named.';
comment on column wikiembed.action_log.action is 'What was done.';
comment on column wikiembed.action_log.source is 'The source.';
comment on column wikiembed.action_log.why is 'The reason given.';
comment on column wikiembed.action_log.detail is 'Counts and options of the action.';

comment on table wikiembed.outages is
  'When an embedding server was out of reach and why, one row per outage, for 30 days; written by report_outage and end_outage.';
comment on column wikiembed.outages.id is 'Row number.';
comment on column wikiembed.outages.server is 'The server''s URL, without user, password and query.';
comment on column wikiembed.outages.since is 'When a worker noticed it first.';
comment on column wikiembed.outages.last_seen_at is 'When a worker noticed it last; older than 90 s: no worker sends requests to the server any more.';
comment on column wikiembed.outages.ended_at is
  'When a worker got a response again; null while it lasts. No worker sent a request between last_seen_at and then.';
comment on column wikiembed.outages.error_class is
  'Error class of the last error: throttled (429), or a class of docs/reference/failures.md.';
comment on column wikiembed.outages.http_status is 'Status of the server''s last response, where there was one.';
comment on column wikiembed.outages.reason is 'The last error, in one sentence of at most 300 characters; never a chunk''s text.';
comment on column wikiembed.outages.times is 'Interruptions in it: ends that lasted less than 60 s do not make a new row.';

comment on table wikiembed.worker_processes is
  'The process of each registration of procrastinate''s; written by register_worker, read through view workers.';
comment on column wikiembed.worker_processes.worker_id is 'procrastinate''s number of the registration.';
comment on column wikiembed.worker_processes.process_id is 'The same for all registrations of one process, which generates it.';
comment on column wikiembed.worker_processes.host is 'Name of its machine or container.';
comment on column wikiembed.worker_processes.pid is 'Its process number there.';
comment on column wikiembed.worker_processes.version is 'Its version of wikiembed.';
comment on column wikiembed.worker_processes.model is
  'Embedder and model of its settings, such as "ollama nomic-embed-text"; a source that has its own uses that.';
comment on column wikiembed.worker_processes.started_at is 'When it started, by its own clock.';
comment on column wikiembed.worker_processes.requests is
  'What it has in flight to each server; written by report_requests, see workers.requests.';
comment on column wikiembed.worker_processes.requests_at is 'When that was written.';
