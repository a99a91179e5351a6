-- The only definition of a pause. Its body is parsed here, so that it needs no pinned path, and
-- is inlined into the queries that call it.
create or replace function wikiembed_private.is_paused(p_paused_at timestamptz, p_resume_at timestamptz)
returns boolean
language sql stable parallel safe
return p_paused_at is not null and (p_resume_at is null or p_resume_at > clock_timestamp());
comment on function wikiembed_private.is_paused(timestamptz, timestamptz) is
  'True while a source is paused and its pause has not expired.';

-- The only definition of when bulk work, jobs with a priority below 5, has to wait.
create or replace function wikiembed_private.is_bulk_closed(p_opens_at timestamptz, p_closes_at timestamptz)
returns boolean
language sql stable parallel safe
return p_opens_at is not null and (p_opens_at > clock_timestamp() or p_closes_at <= clock_timestamp());
comment on function wikiembed_private.is_bulk_closed(timestamptz, timestamptz) is
  'True while the bulk work of a source waits for its next window.';

create or replace function wikiembed_private.may_begin(
  p_priority integer, p_paused_at timestamptz, p_resume_at timestamptz, p_opens_at timestamptz, p_closes_at timestamptz
) returns boolean
language sql stable parallel safe
return not wikiembed_private.is_paused(p_paused_at, p_resume_at)
   and (p_priority >= 5 or not wikiembed_private.is_bulk_closed(p_opens_at, p_closes_at));
comment on function wikiembed_private.may_begin(integer, timestamptz, timestamptz, timestamptz, timestamptz) is
  'True if a job of that priority may begin now, by the pause and the window of its source.';
