-- Search by text uses one expression, the same in the index and in the statement. Configuration trigram is
-- for languages without spaces between words: runs of Hangul, kana, ideographs, Thai, Lao, Khmer and Burmese
-- letters are cut into pairs that overlap, at even places and at odd ones; other words stay whole.
create or replace function wikiembed_private.dense_letters() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return '[\u0E00-\u0EFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u3005-\u3007\u3040-\u30FF\u3130-\u318F\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA960-\uA97F\uAC00-\uD7FF\uF900-\uFAFF\uFF66-\uFF9F]';
comment on function wikiembed_private.dense_letters() is
  'Regular expression of one letter of a script that is written without spaces, and of Hangul.';

create or replace function wikiembed_private.text_vector(p_config text, p_text text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when p_config = 'trigram'
              then format('to_tsvector(''pg_catalog.simple''::regconfig, regexp_replace(%1$s, %2$L, %3$L, ''g'')'
                     || ' || '' '' || regexp_replace(regexp_replace(%1$s, %4$L, %5$L, ''g''), %2$L, %3$L, ''g''))',
                     p_text, '(' || d.letter || d.letter || ')', ' \1 ', '(?<!' || d.letter || ')(' || d.letter || ')', ' \1 ')
              else format('to_tsvector(%L::regconfig, %s)', p_config, p_text) end
    from (select wikiembed_private.dense_letters() as letter) as d;
$$;
comment on function wikiembed_private.text_vector(text, text) is
  'Returns the SQL expression of the tsvector of a text, itself an SQL expression.';

-- concat_ws is not immutable, so an index cannot have it. A longer text would have a tsvector of more than
-- 1 MB, which Postgres refuses together with the row.
create or replace function wikiembed_private.indexed_text(p_source wikiembed.sources, p_alias text, p_config text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select wikiembed_private.text_vector(p_config, format('left(%s, 100000)', string_agg(
           format('coalesce(%s, '''')', case when p_source.text_paths -> (c.number - 1)::integer = 'null'
             then format(case when a.atttypid in ('text'::regtype, 'varchar'::regtype) then '%s%I' else '%s%I::text' end, v.dot, c.name)
             else format('(%s%I #>> %L::text[])', v.dot, c.name, array(
               select jsonb_array_elements_text(p_source.text_paths -> (c.number - 1)::integer))) end),
           ' || e''\n\n'' || ' order by c.number)))
    from unnest(p_source.text_columns) with ordinality as c (name, number)
   cross join (select case when p_alias = '' then '' else p_alias || '.' end as dot) as v
    join pg_attribute as a on a.attrelid = p_source.relation and a.attname = c.name and not a.attisdropped;
$$;
comment on function wikiembed_private.indexed_text(wikiembed.sources, text, text) is
  'Returns the SQL expression of the tsvector of a source''s text, of a row with this alias, or of an index.';

create or replace function wikiembed_private.words_of(p_config text, p_text text) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_words text[];
begin
  execute format('select array(select u.lexeme from unnest(%s) as u order by u.positions[1], u.lexeme limit 64)',
    wikiembed_private.text_vector(p_config, '$1')) into v_words using left(p_text, 10000);
  return v_words;
end;
$$;
comment on function wikiembed_private.words_of(text, text) is
  'The first 64 words of a text, as they are indexed, without stop words.';

create or replace function wikiembed.text_index(p_source text, p_config text) returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources := wikiembed_private.get_source(p_source);
begin
  perform wikiembed_private.require_text_config(p_config);
  return format('using gin ((%s))', wikiembed_private.indexed_text(v_source, '', p_config));
end;
$$;
comment on function wikiembed.text_index(text, text) is
  'Returns what follows `create index … on …` in the index that search by text uses. Raises WE001, WE013.';

create or replace function wikiembed_private.require_text_config(p_config text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_config is distinct from 'trigram'
     and not exists (select from pg_ts_config as c where p_config in (c.cfgname, c.oid::regconfig::text))
  then
    raise exception 'no text search configuration is named "%"', p_config
      using errcode = 'WE013',
            hint = 'Give trigram or one of ' || (select string_agg(c.oid::regconfig::text, ', ' order by c.cfgname) from pg_ts_config as c) || '.';
  end if;
end;
$$;
comment on function wikiembed_private.require_text_config(text) is
  'Refuses a text search configuration that does not exist. Raises WE013.';

create or replace function wikiembed.set_text_config(p_source text, p_config text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.get_source(p_source);
  if p_config is not null then
    perform wikiembed_private.require_text_config(p_config);
  end if;
  update wikiembed.sources as s
     set text_config = case when p_config = 'trigram' then p_config else p_config::regconfig::text end
   where s.name = p_source;
  perform wikiembed_private.write_search(p_source);
end;
$$;
comment on function wikiembed.set_text_config(text, text) is
  'Has a source searched by text with a configuration, for which `wikiembed index --text` has built the index; null ends it. Raises WE001, WE013.';
