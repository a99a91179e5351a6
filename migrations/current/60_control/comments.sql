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
comment on column wikiembed.worker_processes.node is 'Ray''s id of its node; null when it is no actor of a fleet.';
comment on column wikiembed.worker_processes.actor is 'Ray''s id of the actor; null when it is none.';
comment on column wikiembed.worker_processes.requests is
  'What it has in flight to each server; written by report_requests, see workers.requests.';
comment on column wikiembed.worker_processes.requests_at is 'When that was written.';

comment on table wikiembed_private.budgets is
  'Tokens or money that a source may use per day or month; written by set_budget and reserve_budget, read through view wikiembed.budgets.';
comment on column wikiembed_private.budgets.source is 'The source.';
comment on column wikiembed_private.budgets.period is 'day or month, in UTC.';
comment on column wikiembed_private.budgets.tokens is 'Tokens per period; null: the budget is of money.';
comment on column wikiembed_private.budgets.cost is 'Money per period; null: the budget is of tokens.';
comment on column wikiembed_private.budgets.set_by is 'Who set it.';
comment on column wikiembed_private.budgets.set_at is 'When it was set.';
comment on column wikiembed_private.budgets.reached_at is
  'When it last paused the source: the pause''s own time, by which it is known.';

comment on table wikiembed_private.budget_reservations is
  'Tokens that batches in flight will use, by an estimate; written by reserve_budget, deleted by settle_budget, or after 30 minutes.';
comment on column wikiembed_private.budget_reservations.id is
  'The id of the batch''s job times 2^20, plus a random number.';
comment on column wikiembed_private.budget_reservations.source is 'The source.';
comment on column wikiembed_private.budget_reservations.tokens is 'Estimated tokens of the batch.';
comment on column wikiembed_private.budget_reservations.at is 'When it was about to be sent.';

comment on table wikiembed_private.schedules is
  'Windows in which the bulk work of sources runs; written by set_schedule, read through view wikiembed.schedules.';
comment on column wikiembed_private.schedules.source is 'The source.';
comment on column wikiembed_private.schedules.begins is 'Time of day at which each window begins.';
comment on column wikiembed_private.schedules.ends is 'Time of day at which each ends.';
comment on column wikiembed_private.schedules.zone is 'Their time zone.';
comment on column wikiembed_private.schedules.weekdays is 'Days on which windows begin, 1 (Monday) to 7 (Sunday).';
comment on column wikiembed_private.schedules.set_by is 'Who set it.';
comment on column wikiembed_private.schedules.set_at is 'When it was set.';

comment on table wikiembed_private.limits is
  'Requests and tokens per minute of servers, over all workers; written by set_limit, report_limit and block_limit, read through view wikiembed.limits.';
comment on column wikiembed_private.limits.id is 'Number of the limit.';
comment on column wikiembed_private.limits.server is 'URL of the server.';
comment on column wikiembed_private.limits.model is 'The model; empty: all models of the server that have no limit of their own.';
comment on column wikiembed_private.limits.requests is 'Requests per minute that an operator set; null: none.';
comment on column wikiembed_private.limits.tokens is 'Tokens per minute that an operator set; null: none.';
comment on column wikiembed_private.limits.set_by is 'Who set them; null: it was not set.';
comment on column wikiembed_private.limits.set_at is 'When they were set.';
comment on column wikiembed_private.limits.stated_requests is 'Requests per minute that the server states; null: none.';
comment on column wikiembed_private.limits.stated_tokens is 'Tokens per minute that the server states; null: none.';
comment on column wikiembed_private.limits.stated_at is 'When it stated other numbers than before.';
comment on column wikiembed_private.limits.blocked_until is 'Until when no request is leased; null, or in the past: they are.';
comment on column wikiembed_private.limits.window_s is 'Length of the window in seconds: 60, and less only in tests.';

comment on table wikiembed_private.limit_slots is
  'What workers leased of a limit in each slot, a 120th of its window; written by lease_requests, deleted two windows later.';
comment on column wikiembed_private.limit_slots.limit_id is 'The limit.';
comment on column wikiembed_private.limit_slots.slot is 'Slots since 1970.';
comment on column wikiembed_private.limit_slots.requests is 'Requests leased in the slot, without those given back.';
comment on column wikiembed_private.limit_slots.tokens is 'Their tokens by an estimate, and corrections by what responses counted.';
comment on column wikiembed_private.limit_slots.requests_due is 'When the next request is due after the last lease of the slot, in seconds since 1970.';
comment on column wikiembed_private.limit_slots.tokens_due is 'When the next token is due, in seconds since 1970.';
comment on column wikiembed_private.limit_slots.is_short is 'Whether a worker got fewer requests than it asked for.';
