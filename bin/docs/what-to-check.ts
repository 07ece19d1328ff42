/** What to look at when a code is met and its sentence is not enough. In Markdown. */
export const whatToCheck: Readonly<Record<string, string>> = {
  'agents.document_unreachable':
    'the detail in the log: a name that leads into your own network needs `private: true` beside its host ([registration](registration.md)).',
  'agents.host_not_listed':
    '`registration.metadataDocuments`: hosts are compared to the letter, ports included.',
  'audit.bundle_unreadable':
    'whether the database file was restored or edited by hand. The audit log notices a bundle that is changed or missing.',
  'audit.unavailable':
    'free space and permissions of the data directory. Nothing is let through unrecorded, so calls work again when the disk does.',
  'broker.client_not_allowed':
    'that the caller is a server with `client` in the catalogue. Agents do not exchange tokens in this version.',
  'broker.consent_required':
    'the `scope` of the answer: the agent has to ask the user for it at the server that was called. An edge that was added to `calls` later asks everybody again.',
  'broker.login_required':
    '`linked` of the user: it has no id under the name that `subject` of the API says ([apis](apis.md)).',
  'broker.misconfigured':
    'the detail in the log: the id that a user has in `linked` is the name of a party that acts in the chain.',
  'broker.policy_denied':
    'that a `permit` names both `servers` (who asks) and `apis` (the target): a permit for tools permits no exchange.',
  'broker.scope_unreachable':
    '`calls` of the asking server: no scope there leads to the one that was asked for.',
  'broker.step_up':
    '`authentication` of the API, and `auth_time` and `acr` of the token: a refresh is no sign-in.',
  'broker.subject_token_refused':
    'that the server sends the very token it was called with, that it is still alive, and that the grant is (`tetrapod grants list`). The reason is on the `exchange:` line of `tetrapod audit tail`.',
  'broker.target_unknown':
    'that the key or `resource` is an API of the catalogue, and `calls` of the server lists it.',
  'catalogue.invalid':
    'each line that is listed; `tetrapod check --config FILE` says the same without a start.',
  'egress.not_configured': 'the origins in the catalogue. Redirects are not followed.',
  'gateway.header_mismatch': 'a proxy between agent and gateway that drops or rewrites headers.',
  'gateway.meta_missing':
    'that the client speaks MCP 2026-07-28, in which every request carries these members.',
  'gateway.origin_refused': 'that it is not a web page that calls: agents send no `Origin`.',
  'gateway.policy_denied':
    '`policies`: what no rule permits is denied, and a forbid wins. To the caller a tool it may not see does not exist, so this looks like `gateway.tool_unknown`.',
  'gateway.scope_missing':
    '`tools` of the server in the catalogue: the challenge names the scopes they list for this tool, and those that its server asked for in a step-up. See docs/step-up.md.',
  'gateway.token_refused':
    'that the token was got for this very URL (`aud`), is not older than five minutes, and that the grant is not revoked (`tetrapod grants list`).',
  'gateway.tool_unknown':
    'that a name or pattern in `tools` of the server covers the tool, and a rule permits it.',
  'gateway.upstream_refused':
    'that `url` of the server in the catalogue is, to the letter, the `resource` that the server was given; and if the server wants a scope, that it is one of its `scopes` there.',
  'gateway.upstream_unavailable': 'that the server runs where `url` says.',
  'gateway.version_unsupported': 'that the client speaks MCP 2026-07-28.',
  'http.wrong_host':
    'that the address in the browser or agent is `publicUrl` to the letter: `localhost` is not 127.0.0.1.',
  'oauth.client_unauthenticated':
    'the clocks of both machines, that `aud` of the assertion is the issuer and nothing else, that each assertion is sent once, and that `jwks_uri` serves the key it is signed with.',
  'oauth.feed_not_for_agents': 'which key the program signs with: it is that of an agent of the catalogue.',
  'oauth.interaction_expired':
    'that cookies are kept, and that the page was not open for longer than a quarter of an hour.',
  'oauth.login_ended':
    'whether the grant is there and until when (`tetrapod grants list`), and whether a line of this login in `tetrapod audit tail` says that something was used twice.',
  'oauth.refresh_token_reused':
    'that the agent writes down the refresh token of every answer before it uses it, and that no two of its processes keep their own copies. See docs/lifetimes.md.',
  'revocation.stale':
    'the database, and the way there: `/readyz` of this replica says `"revocation":"stale"` until it can be read again. Other replicas may be well.',
  'oauth.token_of_another':
    '`client_id` in the token: a server takes back what it exchanged for, never what it was called with.',
  'secrets.unresolved': 'that the variable is set in the environment of the service itself.',
  'service.address_taken': 'what listens there: `ss -ltnp` on Linux, `lsof -i` on macOS.',
  'storage.database_url':
    'the detail in the log: it names the part that is wrong, never the URL. A password with `@`, `:`, `/` or `%` in it is percent-encoded.',
  'storage.exhausted':
    'free space on the disk of the server, and `max_connections`: one Tetrapod takes eleven at most.',
  'storage.locked':
    'for a Tetrapod that still runs. The lock goes with its process; there is no file to delete. On PostgreSQL `select application_name, client_addr from pg_stat_activity` shows who it is; one whose machine died is let go within half a minute.',
  'storage.read_only':
    'where the URL leads after a failover. `select pg_is_in_recovery()` is false on a primary.',
  'storage.rights':
    'that `create schema` or the ownership of the database was given to this user, and that the first schema of `search_path` exists.',
  'storage.stopped':
    'whether a second Tetrapod was started on the same database while this one had lost its connection. Let only one be started.',
  'storage.timeout': '`select * from pg_stat_activity` for a long statement or a transaction left open.',
  'storage.unreachable':
    'host and port from the machine of the service (`pg_isready -h HOST -p PORT`), and that no pooler in transaction mode stands between: it would not keep the session that holds the database.',
  'storage.untrusted':
    'the authority (`sslrootcert`), and that the host in the URL is a name in the certificate.',
  'vault.keyring_exposed': 'how the file came to be readable, and whether its keys are still yours alone.',
  'vault.unopenable': 'that `keyring.json` is the one this database was written with.',
}
