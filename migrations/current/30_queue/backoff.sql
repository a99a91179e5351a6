-- The only formula of a backoff in SQL; a test compares it with the package's (wikiembed/backoff.py).
create or replace function wikiembed_private.backoff(p_attempt integer) returns interval
language sql immutable parallel safe
return make_interval(secs => least(300, 0.5 * power(2, least(greatest(p_attempt, 0), 12))));
comment on function wikiembed_private.backoff(integer) is
  'Returns how long requeued keys wait after p_attempt earlier attempts: half a second, doubled with each, at most 300 s.';
