import type { Adapter, AdapterPayload } from 'oidc-provider'
import { type Families, type Family, type Grant, grantedScopes, type Grants } from '#grants'
import type { Clock } from '#kernel'
import { endLogin, parseLoginId } from './login-id.ts'
import { REFRESH_IDLE_SECONDS } from './refresh-tokens.ts'

/** How long the library's Grant of a login lies here without being looked for: longer than a refresh token. */
export const LOGIN_SECONDS = 2 * REFRESH_IDLE_SECONDS

/**
 * The library's Grant is one login, and it is found while our grant lives and the login was not ended: this is what stops
 * codes and refresh tokens at once. What it holds is never more than our grant holds now.
 */
export function grantAdapter(
  stored: Adapter,
  deps: {
    readonly grants: Pick<Grants, 'live'>
    readonly families: Families
    readonly clock: Clock
  },
): Adapter {
  const { families, clock } = deps
  return {
    ...stored,
    async find(id) {
      const login = await liveLogin(id, deps)
      const payload = login === undefined ? undefined : await stored.find(id)
      if (login === undefined || payload === undefined) return undefined
      const ends = Math.floor(clock.now() / 1000) + LOGIN_SECONDS
      // It must not run out under a login that is in use.
      if (ends - (payload.exp ?? ends) > LOGIN_SECONDS - REFRESH_IDLE_SECONDS)
        await stored.upsert(id, { ...payload, exp: ends }, LOGIN_SECONDS)
      return within(payload, login)
    },
    async destroy(id) {
      await endLogin(id, families)
      await stored.destroy(id)
    },
  }
}

interface LiveLogin {
  readonly family: Family
  readonly grant: Grant
}

async function liveLogin(
  id: string,
  { grants, families }: { readonly grants: Pick<Grants, 'live'>; readonly families: Families },
): Promise<LiveLogin | undefined> {
  const login = parseLoginId(id)
  const family = login === undefined ? undefined : await families.live(login.family)
  if (family === undefined || family.grant !== login?.grant) return undefined
  const grant = await grants.live(family.grant)
  return grant && { family, grant }
}

/** A login is for one server, and its scopes are those that the grant still holds there. */
function within(payload: AdapterPayload, { family, grant }: LiveLogin): AdapterPayload {
  const held = grantedScopes(grant, family.server)
  const resources = payload['resources'] as Readonly<Record<string, string>> | undefined
  const kept = Object.entries(resources ?? {}).map(([mount, scope]) => {
    const still = scope.split(' ').filter((one) => held.has(one))
    return [mount, still.join(' ')]
  })
  return { ...payload, resources: Object.fromEntries(kept) as Record<string, string> }
}
