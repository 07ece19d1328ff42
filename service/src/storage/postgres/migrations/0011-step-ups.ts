/** Which scopes a tool has named in a step-up. */
export const statements = [
  `create table step_ups (
    server text not null,
    tool text not null,
    scope text not null,
    named_at bigint not null,
    primary key (server, tool, scope)
  )`,
]
