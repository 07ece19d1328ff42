import { parse } from 'hono/utils/cookie'

/** How our cookies are named and set. On loopback http: no `Secure`, no `__Host-`, the port in the name. */
export interface Cookies {
  /** The value of our sign-in cookie in a `Cookie` header. */
  session(header: string | undefined): string | undefined
  /** The `Set-Cookie` value that begins a session. */
  setSession(value: string, seconds: number): string
  /** The one that makes the browser forget it. */
  clearSession(): string
  /** Names for the cookies of the library. */
  readonly library: { readonly session: string; readonly interaction: string; readonly resume: string }
}

export function createCookies(publicUrl: string): Cookies {
  const { protocol, port } = new URL(publicUrl)
  const secure = protocol === 'https:'
  const suffix = secure ? '' : `_${port}`
  const name = `${secure ? '__Host-' : ''}tetrapod_session${suffix}`
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  return {
    session: (header) => (header === undefined ? undefined : parse(header, name)[name]),
    setSession: (value, seconds) => `${name}=${value}; Max-Age=${seconds}; ${attributes}`,
    clearSession: () => `${name}=; Max-Age=0; ${attributes}`,
    library: {
      session: `tetrapod_login${suffix}`,
      interaction: `tetrapod_interaction${suffix}`,
      resume: `tetrapod_resume${suffix}`,
    },
  }
}
