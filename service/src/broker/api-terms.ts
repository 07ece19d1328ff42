import { type Lineage, Refusal } from '@tetrapod/protocol'
import type { Api, Authentication } from '#apis'
import { own } from '#kernel'
import { knownElsewhere, type MintedClaims } from '#tokens'
import type { User } from '#users'
import { fault } from './faults.ts'
import type { Hindrance } from './outcome.ts'

/** A token with less life left than this is not worth its exchange. */
export const SECONDS_LEFT_MIN = 10

/** For whom a token is asked, and what was verified of them. */
export interface ApiRequest {
  readonly api: Api
  readonly subject: Lineage
  readonly user: User
}

/**
 * What the user has to do before this API gets a token of theirs, though they agreed to it: step 15, sign in as it asks
 * (RFC 9470), and be known to it by an id. `now` in seconds.
 */
export function hindranceAt(
  { api, subject, user }: ApiRequest,
  { now, connectUrl }: { readonly now: number; readonly connectUrl: (provider: string) => string },
): Hindrance | undefined {
  const { authentication, subject: provider } = api
  if (authentication !== undefined && !isMet(authentication, subject, now))
    return { outcome: 'step_up', authentication }
  if (provider !== undefined && own(user.linked, provider) === undefined)
    return { outcome: 'login_required', interactionUri: connectUrl(provider) }
  return undefined
}

/**
 * The claims as this API asks for them: they end when the sign-in is too old for it, and `sub` is the id by which it knows the
 * user. To be asked once nothing hinders it. Throws `broker.misconfigured` where that id is somebody's who acts.
 */
export function asAsked(claims: MintedClaims, { api, subject, user }: ApiRequest): MintedClaims {
  const ending = { ...claims, exp: Math.min(claims.exp, validUntil(api.authentication, subject)) }
  const id = api.subject === undefined ? undefined : own(user.linked, api.subject)
  if (id === undefined) return ending
  try {
    return knownElsewhere(ending, id)
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause
    throw fault.misconfigured({ detail: `the user’s id at ${api.subject ?? ''} is that of an actor`, cause })
  }
}

function isMet(asked: Authentication, subject: Lineage, now: number): boolean {
  const { acrValues } = asked
  const inTime = validUntil(asked, subject) - now >= SECONDS_LEFT_MIN
  return inTime && (acrValues === undefined || acrValues.includes(subject.acr))
}

/** When the sign-in behind the token is too old, in seconds since the epoch. */
function validUntil(asked: Authentication | undefined, { authTime }: Lineage): number {
  return asked?.maxAgeSeconds === undefined ? Infinity : authTime + asked.maxAgeSeconds
}
