export const statements = [
  `create table families (
    id text primary key,
    grant_id text not null,
    session text not null,
    "user" text not null,
    agent text not null,
    server text not null,
    began_at bigint not null,
    used_at bigint not null,
    ended_at bigint
  )`,
  'create index families_by_session on families (session)',
  'create index families_by_user on families ("user")',
  'create index families_by_use on families (used_at)',
]
