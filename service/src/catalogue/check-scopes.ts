import type { Draft, DraftServer } from './draft.ts'
import { keyProblem, type Path, type Problem, valueProblem } from './problem.ts'

/** Tools need scopes of their own server; calls lead from these to scopes of an API that exists. */
export function* checkScopes(draft: Draft): Generator<Problem> {
  for (const [key, server] of servers(draft)) {
    for (const [tool, needs] of Object.entries(server.tools))
      yield* unlisted(['servers', key, 'tools', tool, 'scopes'], needs?.scopes ?? [], server.scopes, key)
    yield* checkCalls(draft, key, server)
  }
}

/** Edges that a token which reaches the server begins with only once a step-up has named their scope: no tool needs it. */
export function* unreachedEdges(draft: Draft): Generator<Problem> {
  for (const [key, server] of servers(draft)) {
    const needed = new Set(Object.values(server.tools).flatMap((tool) => tool?.scopes ?? []))
    for (const [api, edges] of Object.entries(server.calls))
      for (const scope of Object.keys(edges ?? {}))
        if (!needed.has(scope))
          yield keyProblem(
            ['servers', key, 'calls', api, scope],
            `No tool of ${key} needs this scope, so this edge is used after a step-up at the earliest: name it at the tool that needs it, or remove the edge.`,
          )
  }
}

/** Servers that may call and cannot: no token of ours reaches them, and no transaction token either. */
export function* strandedCalls(draft: Draft): Generator<Problem> {
  for (const [key, { calls, internal, credential = 'token_exchange' }] of servers(draft))
    if (credential !== 'token_exchange' && internal !== true && Object.keys(calls).length > 0)
      yield keyProblem(
        ['servers', key, 'calls'],
        `${key} learns of no user, so it can ask for no token: give it \`internal: true\`, or remove its calls.`,
      )
}

function* checkCalls({ apis }: Draft, key: string, server: DraftServer): Generator<Problem> {
  const path = ['servers', key, 'calls']
  if (server.client === undefined && Object.keys(server.calls).length > 0)
    yield keyProblem(path, 'A server that calls must say who it is: give it a `client`.')
  for (const [name, edges] of Object.entries(server.calls)) {
    const api = Object.hasOwn(apis, name) ? apis[name] : undefined
    if (!Object.hasOwn(apis, name))
      yield keyProblem([...path, name], `There is no API of this name: list it under \`apis\`.`)
    for (const [from, to] of Object.entries(edges ?? {})) {
      if (!Object.hasOwn(server.scopes, from)) yield keyProblem([...path, name, from], notListed(key))
      if (api !== undefined) yield* unlisted([...path, name, from], to ?? [], api.scopes, name)
    }
  }
}

function* unlisted(
  path: Path,
  scopes: readonly (string | undefined)[],
  listed: Readonly<Record<string, unknown>>,
  owner: string,
): Generator<Problem> {
  for (const [index, scope] of scopes.entries())
    if (scope !== undefined && !Object.hasOwn(listed, scope))
      yield valueProblem([...path, index], notListed(owner))
}

function notListed(owner: string): string {
  return `This is no scope of ${owner}: list it under its \`scopes\`, or correct its spelling.`
}

function servers({ servers }: Draft): readonly (readonly [string, DraftServer])[] {
  return Object.entries(servers).flatMap(([key, server]) =>
    server === undefined ? [] : ([[key, server]] as const),
  )
}
