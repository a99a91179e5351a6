-- Keys and texts of a source as SQL expressions: the one home of what a composite key or a text of
-- several columns looks like. A composite key is a JSON array in text, [3, "a"]; any spelling of the
-- same array is accepted. Columns of a text are joined by a blank line, those that are null left out.
create or replace function wikiembed_private.text_expression(p_source wikiembed.sources, p_alias text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with parts as (
    select c.number,
           case when p_source.text_paths -> (c.number - 1)::integer = 'null'
                then format('%s.%I::text', p_alias, c.name)
                else format('(%s.%I #>> %L::text[])', p_alias, c.name, array(
                  select jsonb_array_elements_text(p_source.text_paths -> (c.number - 1)::integer))) end as part
      from unnest(p_source.text_columns) with ordinality as c (name, number)
  )
  select case when count(*) = 1 then min(p.part)
              else format('concat_ws(e''\n\n'', %s)', string_agg(p.part, ', ' order by p.number)) end
    from parts as p;
$$;
comment on function wikiembed_private.text_expression(wikiembed.sources, text) is
  'Returns the SQL expression of a source''s text, of a row with this alias.';

create or replace function wikiembed_private.array_type(p_type text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case p_type when 'character varying' then 'text' else p_type end;
comment on function wikiembed_private.array_type(text) is
  'Returns the type in which keys of a type are compared and gathered: varchar as text.';

create or replace function wikiembed_private.key_expression(p_source wikiembed.sources, p_alias text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case when count(*) = 1 then min(format('%s.%I::text', p_alias, c.name))
              else format('jsonb_build_array(%s)::text', string_agg(format('%s.%I', p_alias, c.name), ', ' order by c.number)) end
    from unnest(p_source.key_columns) with ordinality as c (name, number);
$$;
comment on function wikiembed_private.key_expression(wikiembed.sources, text) is
  'Returns the SQL expression of a source''s key as text, of a row with this alias.';

-- The functions that a template may call between two @, as @has_key(t, p_keys)@:
--   key_of(t) text_of(t)      key and text of row t, as text
--   key_value(t)              its key as it is gathered in arrays
--   key_columns(t)            its key's columns as k1, k2, …; held_keys(h) those of h
--   order_by(t)               its key's columns, to sort by
--   has_key(t, a)             whether its key is in a, a text[]
--   is_text_key(t, k)         whether its key is the text k
--   typed_keys(a), is_key(t, k) the same for keys converted beforehand
--   is_held(t)                whether its key is one of the common table held
--   same_key(a, b)            whether two rows have the same key, byte by byte
--   canonical_key(k)          the text k as key_of spells it
--   null_rows(a)              a statement that nulls the vectors of the keys in a, a text[]
create or replace function wikiembed_private.render_call(
  p_source wikiembed.sources, p_function text, p_arguments text[]
) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := wikiembed_private.qualified(p_source.relation);
  v_single boolean := cardinality(p_source.key_columns) = 1;
  v_first text := p_arguments[1];
  v_second text := p_arguments[2];
  v_type text := wikiembed_private.array_type(p_source.key_types[1]);
  v_columns text;
  v_comparison text;
begin
  select string_agg(format('%s.%I', v_first, c.name), ', ' order by c.number) into v_columns
    from unnest(p_source.key_columns) with ordinality as c (name, number);
  case p_function
    when 'key_of' then
      return wikiembed_private.key_expression(p_source, v_first);
    when 'text_of' then
      return wikiembed_private.text_expression(p_source, v_first);
    when 'key_value' then
      return case when v_single then v_columns else wikiembed_private.key_expression(p_source, v_first) end;
    when 'order_by' then
      return v_columns;
    when 'key_columns' then
      return (select string_agg(format('%s.%I as k%s', v_first, c.name, c.number), ', ' order by c.number)
                from unnest(p_source.key_columns) with ordinality as c (name, number));
    when 'held_keys' then
      return (select string_agg(format('%s.k%s', v_first, i), ', ' order by i)
                from generate_series(1, cardinality(p_source.key_columns)) as i);
    when 'is_held' then
      v_comparison := (select string_agg(format('%s.%I = h.k%s', v_first, c.name, c.number), ' and ' order by c.number)
                         from unnest(p_source.key_columns) with ordinality as c (name, number));
      return case when v_single then format('%s = any (array(select h.k1 from held as h)) and ', v_columns) else '' end
        || v_comparison;
    when 'typed_keys' then
      return format('%s::%s[]', v_first, case when v_single then v_type else 'jsonb' end);
    when 'is_key', 'is_text_key' then
      if v_single then
        return format('%s = %s', v_columns, v_second) || case p_function when 'is_text_key' then '::' || v_type else '' end;
      end if;
      return (select string_agg(format('%s.%I = (%s%s ->> %s)::%s', v_first, c.name, v_second,
                       case p_function when 'is_text_key' then '::jsonb' else '' end, c.number - 1,
                       wikiembed_private.array_type(p_source.key_types[c.number])), ' and ' order by c.number)
                from unnest(p_source.key_columns) with ordinality as c (name, number));
    when 'has_key' then
      if v_single then
        return format('%s = any (%s::%s[])', v_columns, v_second, v_type);
      end if;
      return format('(%s) in (select %s from unnest(%s) as k (key))', v_columns, (
        select string_agg(format('(k.key::jsonb ->> %s)::%s', c.number - 1, wikiembed_private.array_type(c.type)), ', ' order by c.number)
          from unnest(p_source.key_types) with ordinality as c (type, number)), v_second);
    when 'same_key' then
      return (select string_agg(
                format(case when c.type in ('text', 'character varying')
                            then '%1$s.%3$I::text collate "C" = %2$s.%3$I::text collate "C"'
                            else '%1$s.%3$I = %2$s.%3$I' end, v_first, v_second, c.name), ' and ' order by c.number)
                from unnest(p_source.key_columns, p_source.key_types) with ordinality as c (name, type, number));
    when 'canonical_key' then
      if v_single then
        return format('%s::%s::text', v_first, v_type);
      end if;
      return format('jsonb_build_array(%s)::text', (
        select string_agg(format('(%s::jsonb ->> %s)::%s', v_first, c.number - 1, wikiembed_private.array_type(c.type)), ', ' order by c.number)
          from unnest(p_source.key_types) with ordinality as c (type, number)));
    when 'null_rows' then
      if v_single then
        return format('update %s as t set %I = null where %s;', v_table, p_source.embedding_column,
          wikiembed_private.render_call(p_source, 'has_key', array['t', v_first]));
      end if;
      return format('declare v_key text; begin foreach v_key in array %s loop update %s as t set %I = null where %s; end loop; end;',
        v_first, v_table, p_source.embedding_column, wikiembed_private.render_call(p_source, 'is_text_key', array['t', 'v_key']));
    else
      raise exception 'a template calls an unknown function: %', p_function;
  end case;
end;
$$;
comment on function wikiembed_private.render_call(wikiembed.sources, text, text[]) is
  'Renders one call in a template: the key or the text of a row, or a comparison of keys.';
