/** What the last catalogue let count, so that what is missing from the next one ends. One row. */
export const statements = [
  `create table catalogue (
    place bigint primary key check (place = 1),
    version bigint not null,
    digest text not null,
    standing text not null,
    at bigint not null
  )`,
  'create index families_by_server on families (server)',
]
