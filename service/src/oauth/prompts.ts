import type { Users } from '#users'
import type { Cookies } from './cookies.ts'
import type { Library } from './library.ts'

/**
 * The library's own session follows ours: without a sign-in of ours (of a person whom the configuration still has), or
 * with another one, it must be asked for again.
 */
export function promptPolicy({ interactionPolicy }: Library, users: Users, cookies: Cookies) {
  const policy = interactionPolicy.base()
  const { Check } = interactionPolicy
  const follows = new Check('signed_in', 'the user must sign in', 'login_required', async (ctx) => {
    const session = await users.session(cookies.session(ctx.req.headers.cookie))
    const { accountId, loginTs } = ctx.oidc.session ?? {}
    return accountId !== undefined && (session?.account !== accountId || session.authTime !== loginTs)
  })
  policy.get('login')?.checks.add(follows)
  policy.get('consent')?.checks.remove('native_client_prompt')
  return policy
}
