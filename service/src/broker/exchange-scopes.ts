import { backThroughCalls, formatScope, isScopeToken, type Scopes } from '@tetrapod/protocol'
import { grantedThrough, grantsDelegation, scopesWithin } from '#grants'
import type { Case } from './exchange-case.ts'
import type { ExchangeRequest } from './exchange-request.ts'
import { fault } from './faults.ts'

/**
 * Step 13: what is asked for, of the target's own scopes; without a word, all that can be had. Who hands on says what: a
 * sub-agent never gets everything because somebody forgot to.
 */
export function requestedScopes(exchanged: Case, { scope }: ExchangeRequest): Scopes {
  const { target, server } = exchanged
  if (scope === undefined && target.kind === 'delegate') throw fault.scope_missing()
  const known = target.kind === 'api' ? target.api.scopes : server.scopes
  const requested = scope === undefined ? reachable(exchanged) : parsedScope(scope, known)
  if (requested.size === 0) throw fault.scope_invalid({ detail: 'nothing can be granted' })
  return requested
}

/**
 * What the user would have to agree to first, in the vocabulary of the mount; undefined: nothing. Throws
 * `broker.scope_unreachable` where no consent could help, and `broker.scope_invalid` for more than the token holds: an agent
 * that hands on asks its user itself.
 */
export function missingConsent(exchanged: Case, scopes: Scopes): Scopes | undefined {
  const { caller, target, server, grant } = exchanged
  const available = reachable(exchanged)
  const has = [...scopes].every((scope) => available.has(scope))
  if (target.kind === 'api') {
    const missing = has ? undefined : backThroughCalls(target.edges, scopes)
    if (!has && missing === undefined) throw fault.scope_unreachable({ detail: formatScope(scopes) })
    return missing
  }
  if (!has) throw fault.scope_invalid({ detail: 'more than the token holds' })
  const agreed = target.kind === 'mount' || grantsDelegation(grant, server.key, caller.key, target.agent)
  return agreed ? undefined : scopes
}

/** What the token presented leads to: itself at a mount; at an API through the edges that the catalogue has and the consent showed. */
function reachable({ target, subject, server, grant }: Case): Scopes {
  const scopes = scopesWithin(grant, server.key, subject.scopes)
  if (target.kind !== 'api') return scopes
  return grantedThrough(grant, { server: server.key, api: target.api.key, edges: target.edges, scopes })
}

/** Every scope asked for is one of the target's own. */
function parsedScope(scope: string, known: Readonly<Record<string, string>>): Scopes {
  const asked = new Set(scope.split(' '))
  if (![...asked].every((token) => isScopeToken(token) && Object.hasOwn(known, token)))
    throw fault.scope_invalid({ detail: 'unknown scope' })
  return asked
}
