create table wikiembed.action_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  who text not null,
  action text not null
    constraint action_is_known
      check (action in ('attach', 'detach', 'pause', 'resume', 'retry', 'skip', 'reconcile', 'pin')),
  source text,
  why text,
  detail jsonb not null default '{}'
);
create index action_log_by_source on wikiembed.action_log (source, at);

comment on table wikiembed.action_log is
  'Who paused, resumed, retried, skipped, attached, detached, when and why; written by those functions.';
comment on column wikiembed.action_log.id is 'Row number.';
comment on column wikiembed.action_log.at is 'When.';
comment on column wikiembed.action_log.who is 'Session user, and the person whom the command named.';
comment on column wikiembed.action_log.action is 'What was done.';
comment on column wikiembed.action_log.source is 'To which source.';
comment on column wikiembed.action_log.why is 'The reason given.';
comment on column wikiembed.action_log.detail is 'Counts and options of the action.';
