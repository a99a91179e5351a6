comment on column wikiembed.sources.text_config is
  'Text search configuration of the index for search by text, or trigram; null: there is none. Written by set_text_config.';
comment on column wikiembed.sources.query_prefix_pinned is
  'True when query_prefix was pinned from the settings of the first worker, not set by the source itself.';
comment on table wikiembed.search_statements is
  'The statements that wikiembed.search runs for a source, with the rights of its caller. The filter stands between the parts of an array. Written by write_search.';
comment on column wikiembed.search_statements.source is 'Name of the source.';
comment on column wikiembed.search_statements.relation is 'The chunk table.';
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
comment on column wikiembed.sources.ef_search is
  'The least hnsw.ef_search of its searches by vector, 1 to 1,000; null: that of the session. Written by set_ef_search.';
comment on column wikiembed.search_statements.ef_search is 'As in table sources.';
comment on column wikiembed.search_statements.sample_statement is
  'Returns keys and vectors of at most $2 random rows, from $1 percent of the table''s pages, chosen by the seed $3. Null before write_search.';
comment on table wikiembed.recall_checks is
  'The last measurement of recall of each source, depth and filter: a row per hnsw.ef_search. Written by record_recall.';
comment on column wikiembed.recall_checks.source is 'Name of the source.';
comment on column wikiembed.recall_checks.depth is 'Nearest chunks that were searched for: 10 for recall@10.';
comment on column wikiembed.recall_checks.filter is 'The filter of the searches, as p_filter of search; {} without one.';
comment on column wikiembed.recall_checks.ef_search is 'The hnsw.ef_search that was measured.';
comment on column wikiembed.recall_checks.recall is 'Share of the nearest chunks that were found, 0 to 1, of held-out questions.';
comment on column wikiembed.recall_checks.sample is 'Questions that were asked.';
comment on column wikiembed.recall_checks.at is 'When it was measured.';
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
comment on table wikiembed.search_names is
  'Names whose searches use a source of another name: a row per name. Written by switch.';
comment on column wikiembed.search_names.name is 'The name that searches give: that of a source, or one of its own.';
comment on column wikiembed.search_names.source is 'The source that they use.';
comment on column wikiembed.search_names.since is 'When it was switched.';
comment on column wikiembed.search_names.by is 'Who switched it.';
comment on column wikiembed.sources.quantise is
  'How the index of vectors that searches use is quantised: halfvec or binary; null: not at all. Written by set_quantise.';
comment on column wikiembed.search_statements.quantised_index is
  'The valid index of that kind, with its schema; null: there was none when write_search last looked.';
comment on column wikiembed.search_statements.quantised_statement is
  'Finds the rows nearest to the vector $1, at most $2, among $3 candidates of the quantised index. Null without one.';
comment on column wikiembed.search_statements.oversampling is
  'Candidates that a search takes at least for each row that it is to find.';
