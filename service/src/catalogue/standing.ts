import { edgeId } from '@tetrapod/protocol'
import type { Standing } from '#revocation'
import type { Catalogue } from './catalogue.ts'

/**
 * Everything of a catalogue that tokens may rest on. What is missing from a later one, or is another under the same id (a
 * server at a new URL), ends what was given under it.
 */
export function standingOf(catalogue: Catalogue): readonly Standing[] {
  const { agents, servers, apis, users } = catalogue
  return [
    ...users.map(({ username: id }) => ({ kind: 'user', id })),
    ...links(catalogue),
    ...agents.map(({ key: id }) => ({ kind: 'agent', id })),
    ...servers.flatMap(({ key, mount, url: of }) => [key, mount].map((id) => ({ kind: 'server', id, of }))),
    ...apis.map(({ key: id, resource: of }) => ({ kind: 'api', id, of })),
    ...delegations(catalogue),
    ...calls(catalogue),
    ...registrations(catalogue),
  ]
}

/** What stood before and stands no more. */
export function missingFrom(now: readonly Standing[], before: readonly Standing[]): readonly Standing[] {
  const places = new Set(now.map(placeOf))
  const missing = before.filter((it) => !places.has(placeOf(it)))
  return [...new Map(missing.map((it) => [placeOf(it), it])).values()]
}

function placeOf({ kind, id, of }: Standing): string {
  return JSON.stringify([kind, id, of])
}

/** Who a user is to an API that knows them by an id of another provider. */
function links({ users }: Catalogue): readonly Standing[] {
  return users.flatMap(({ username: id, linked }) =>
    Object.entries(linked).map(([provider, theirs]) => ({ kind: 'linked', id, of: `${provider} ${theirs}` })),
  )
}

function delegations({ agents }: Catalogue): readonly Standing[] {
  return agents.flatMap(({ key, delegates }) =>
    delegates.map((to) => ({ kind: 'edge', id: edgeId(key, to) })),
  )
}

/**
 * One for each scope that leads to another: taking one away ends the tokens of the edge, adding one ends none. And one for
 * how the tokens name the user.
 */
function calls({ servers, apis }: Catalogue): readonly Standing[] {
  const byKey = new Map(apis.map((api) => [api.key, api]))
  return servers.flatMap(({ key, calls }) =>
    Object.entries(calls).flatMap(([api, edges]) => {
      const { resource = api, subject = 'ours' } = byKey.get(api) ?? {}
      const id = edgeId(key, resource)
      const steps = Object.entries(edges).flatMap(([from, reached]) => reached.map((to) => `${from} ${to}`))
      return [...steps, `subject: ${subject}`].map((of) => ({ kind: 'edge', id, of }))
    }),
  )
}

/** Through which agents that name themselves come in. */
function registrations({ registration }: Catalogue): readonly Standing[] {
  const { documentHosts, dynamic, statements } = registration
  return [
    ...documentHosts.map(({ host: id }) => ({ kind: 'host', id })),
    ...(dynamic ? [{ kind: 'registration', id: 'dynamic' }] : []),
    ...statements.map(({ issuer: id }) => ({ kind: 'registration', id })),
  ]
}
