import type { Library } from './library.ts'
import { parseLoginId } from './login-id.ts'
import type { RefreshTokenIds } from './refresh-token-ids.ts'

/** What of a model of the library we replace; its types leave this method out. */
interface Identified {
  readonly grantId?: string | undefined
  generateTokenId(): string
}

/** Lets the library name its refresh tokens as we do: by their login, and after a use by the token that was used. */
export function nameRefreshTokens(
  { Provider }: Library,
  model: { readonly prototype: object },
  ids: RefreshTokenIds,
): void {
  Object.assign(model.prototype, {
    generateTokenId(this: Identified): string {
      const used = Provider.ctx?.oidc.entities.RotatedRefreshToken
      if (used !== undefined) return ids.after(used.jti)
      const login = parseLoginId(this.grantId ?? '')
      if (login === undefined) throw new TypeError('a refresh token is always for a login')
      return ids.first(login.family)
    },
  })
}
