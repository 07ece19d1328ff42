import { GATEWAY } from '@tetrapod/protocol'
import type { Draft } from './draft.ts'
import { type Problem, valueProblem } from './problem.ts'

/**
 * Users are linked at other providers under ids that are theirs alone, and whoever acts for them has another name: an API
 * that knows people by such an id must never take one for another.
 */
export function* checkLinks(draft: Draft): Generator<Problem> {
  const owners = new Map<string, string>()
  for (const { user, provider, id } of links(draft)) {
    const path = ['users', user, 'linked', provider]
    const place = JSON.stringify([provider, id])
    const owner = owners.get(place)
    if (owner !== undefined)
      yield valueProblem(
        path,
        `${owner} has this id there: two users with one id would be one user to an API.`,
      )
    if (isParty(id, draft))
      yield valueProblem(path, 'An agent, a server or an API has this name: no user can have it too.')
    owners.set(place, `users.${user}`)
  }
}

/** An API whose tokens carry an id that nobody has would never get one. */
export function* checkSubjects(draft: Draft): Generator<Problem> {
  const providers = new Set(links(draft).map(({ provider }) => provider))
  for (const [key, api] of Object.entries(draft.apis))
    if (api?.subject !== undefined && !providers.has(api.subject))
      yield valueProblem(
        ['apis', key, 'subject'],
        'No user has an id at a provider of this name: add it to `linked` of a user, or correct the name.',
      )
}

function links({ users }: Draft) {
  return Object.entries(users).flatMap(([user, draft]) =>
    Object.entries(draft?.linked ?? {}).flatMap(([provider, id]) =>
      id === undefined ? [] : [{ user, provider, id }],
    ),
  )
}

function isParty(id: string, { agents, servers, apis }: Draft): boolean {
  return id === GATEWAY || [agents, servers, apis].some((parties) => Object.hasOwn(parties, id))
}
