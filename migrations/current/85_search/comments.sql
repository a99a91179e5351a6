comment on column wikiembed.sources.text_config is
  'Text search configuration of the index for search by text, or trigram; null: there is none. Written by set_text_config.';
comment on table wikiembed.search_statements is
  'The statements that wikiembed.search runs for a source, with the rights of its caller. The filter stands between the parts of an array. Written by write_search.';
comment on column wikiembed.search_statements.source is 'Name of the source.';
comment on column wikiembed.search_statements.dimensions is 'Dimensions that the column declares; -1: none.';
comment on column wikiembed.search_statements.text_config is 'As in table sources.';
comment on column wikiembed.search_statements.documents is 'The table of its documents; null: it has none.';
comment on column wikiembed.search_statements.title_column is 'The column of their titles; null: they have none.';
comment on column wikiembed.search_statements.vector_statement is
  'Finds the rows nearest to the vector $1, at most $2, by the index where there is one.';
comment on column wikiembed.search_statements.exact_statement is
  'The same by comparing every row.';
comment on column wikiembed.search_statements.text_statement is
  'Finds the rows that match the words $1 best, at most $3; a word of $2 rows or more counts less. Null without text_config.';
comment on column wikiembed.search_statements.hits_statement is
  'Returns the hits of the rows $1 and $2, found by vector, and $3 and $4, found by text; $5 and $6 are the weights, $7 the vector, $8 the limit, $9 whether each document is returned once.';
comment on column wikiembed.search_statements.titled_hits_statement is
  'The same with the titles of the documents. Null for a source without titles.';
comment on column wikiembed.search_statements.documents_statement is
  'Counts the documents of the rows $1 and $2. Null for a source without documents.';
comment on table wikiembed.model_checks is
  'Results of checks whether a source''s model makes the vectors that are stored: those of each day by a worker, and of wikiembed verify; written by record_model_check, kept for 90 days.';
comment on column wikiembed.model_checks.source is 'The source.';
comment on column wikiembed.model_checks.at is 'When it was checked.';
comment on column wikiembed.model_checks.model is 'The model that was checked, as the source has it.';
comment on column wikiembed.model_checks.sample is 'Chunks that were embedded again and compared.';
comment on column wikiembed.model_checks.median_distance is 'Median of the cosine distances between new and stored vectors.';
comment on column wikiembed.model_checks.max_distance is 'The largest of them.';
comment on column wikiembed.model_checks.outcome is
  'same: the same model; mixed: it made a part of the vectors; shifted: other weights or quantisation; different: another model, pooling or prefix.';
