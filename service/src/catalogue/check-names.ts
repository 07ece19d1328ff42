import { GATEWAY } from '@tetrapod/protocol'
import { DYNAMIC } from '#policy'
import type { Draft } from './draft.ts'
import { keyProblem, type Problem } from './problem.ts'

/** Keys are client ids and first segments of paths: one namespace, without the ones that are taken. */
export function* checkNames(draft: Draft): Generator<Problem> {
  const owners = new Map<string, string>()
  for (const kind of ['agents', 'servers', 'apis'] as const) {
    for (const key of Object.keys(draft[kind])) {
      const owner = owners.get(key)
      if (RESERVED.has(key)) yield keyProblem([kind, key], 'This name is one of our own: choose another.')
      else if (owner !== undefined)
        yield keyProblem([kind, key], `${owner} has this name: agents, servers and APIs share their names.`)
      owners.set(key, `${kind}.${key}`)
    }
  }
}

/** Who is asking must be clear: each agent, and each server or API that asks, has exactly one credential. */
export function* checkCredentials({ agents, servers, apis }: Draft): Generator<Problem> {
  for (const [key, agent] of Object.entries(agents))
    if (agent !== undefined && !hasOneCredential(agent)) yield keyProblem(['agents', key], ONE_CREDENTIAL)
  for (const [kind, parties] of Object.entries({ servers, apis }))
    for (const [key, party] of Object.entries(parties))
      if (party?.client !== undefined && !hasOneCredential(party.client))
        yield keyProblem([kind, key, 'client'], ONE_CREDENTIAL)
}

/** The gateway's key, what policies call agents that registered themselves, and the first segment of every path that is not a mount's. */
const RESERVED: ReadonlySet<string> = new Set(
  [
    GATEWAY,
    DYNAMIC,
    'authorize token par register introspect revoke revocations jwks well-known',
    'sign-in sign-out interaction connect connections grants',
    'admin assets livez readyz metrics mcp',
  ].flatMap((line) => line.split(' ')),
)

const ONE_CREDENTIAL = 'Give it one credential: `jwks_uri` (keys it publishes) or `secret` (a reference).'

function hasOneCredential({ jwks_uri, secret }: { readonly jwks_uri?: unknown; readonly secret?: unknown }) {
  return (jwks_uri === undefined) !== (secret === undefined)
}
