/** Which scopes a tool has named in a step-up. */
export const statements = [
  `create table step_ups (
    server text not null,
    tool text not null,
    scope text not null,
    named_at integer not null,
    primary key (server, tool, scope)
  ) strict`,
]
