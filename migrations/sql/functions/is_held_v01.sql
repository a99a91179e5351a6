create function wikiembed_private.is_held(p_source wikiembed.sources) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select p_source.paused_at is not null
     and (p_source.resume_at is null or p_source.resume_at > clock_timestamp());
$$;
comment on function wikiembed_private.is_held(wikiembed.sources) is
  'True while a source is paused and its pause has not run out.';
