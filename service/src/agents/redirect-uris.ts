const LENGTH_MAX = 512
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])

/**
 * Schemes that no app has for its own: a browser runs or reads what they name, or hands it to a program of the system.
 * What begins like http is taken for it by people.
 */
const TAKEN =
  /^(?:http.*|javascript|vbscript|data|file|filesystem|blob|about|urn|ws|wss|ftp|mailto|tel|sms|intent|android-app|jar|feed|view-source|resource|chrome.*|edge|moz-.*|ms-.*|search|search-ms|shell|ssh|smb|ldap|ldaps)$/

/**
 * What is wrong with a redirect URI that an agent named for itself, or undefined. It may be https, http on this machine
 * alone (RFC 8252 §7.3), or of a private-use scheme (§7.1): written in the one way that everybody reads alike, without
 * wildcards, fragments, user names or dot segments.
 */
export function redirectUriProblem(text: string): string | undefined {
  const scheme = schemeOf(text)
  if (scheme === undefined || text.length > LENGTH_MAX || !URL.canParse(text))
    return `A redirect URI is an absolute URI of at most ${LENGTH_MAX} visible characters.`
  if (text.includes('#')) return 'A redirect URI has no fragment (RFC 6749 §3.1.2).'
  if (text.includes('*')) return 'A redirect URI is compared character by character: write it out, without *.'
  if (hasDotSegment(text)) return 'A redirect URI has no . or .. between its slashes.'
  const url = new URL(text)
  if (!isCanonical(text, url)) return `Write it as ${url.href}.`
  if (scheme === 'https') return authorityProblem(text)
  if (scheme !== 'http') return privateUseProblem(scheme, text)
  return LOOPBACK_HOSTS.has(url.hostname)
    ? authorityProblem(text)
    : 'A redirect URI is https: http is for 127.0.0.1, [::1] and localhost alone.'
}

/** True for where only a program on the user's own machine listens (RFC 8252 §7): loopback, or a private-use scheme. */
export function isNativeRedirect(uri: string): boolean {
  return isLoopbackRedirect(uri) || !/^https?:/.test(uri)
}

/** True for http on this machine. The port is whatever was free when the agent began to listen (RFC 8252 §7.3). */
export function isLoopbackRedirect(uri: string): boolean {
  return uri.startsWith('http:') && URL.canParse(uri) && LOOPBACK_HOSTS.has(new URL(uri).hostname)
}

/**
 * True when an answer may go to `uri`: it is one of the registered ones, character by character; on loopback with any
 * port in its place.
 */
export function redirectAllowed(registered: readonly string[], uri: string): boolean {
  if (registered.includes(uri)) return true
  const asked = withoutPort(uri)
  return asked !== undefined && registered.some((one) => withoutPort(one) === asked)
}

/** What a person is shown of a redirect URI: the host, or the scheme of an app. */
export function redirectName(uri: string): string {
  const { protocol, host } = new URL(uri)
  return /^https?:$/.test(protocol) ? host : `${protocol}//${host}`
}

/** A loopback redirect URI with its port left out, whatever it was; undefined for any other. */
export function withoutPort(uri: string): string | undefined {
  const parts = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost))(?::(\d{1,5}))?((?:[/?][^#]*)?)$/.exec(uri)
  if (parts === null || Number(parts[2] ?? 1) > 65_535) return undefined
  return `${parts[1] ?? ''}${parts[3] ?? ''}`
}

function schemeOf(text: string): string | undefined {
  return /^[\x21-\x7e]+$/.test(text) && !/[\\"<>^`{|}]/.test(text)
    ? /^([a-z][a-z0-9+.-]*):/.exec(text)?.[1]
    : undefined
}

function authorityProblem(text: string): string | undefined {
  const authority = /^https?:\/\/([^/?]*)/.exec(text)?.[1] ?? ''
  if (authority === '') return 'A redirect URI names a host.'
  return authority.includes('@') ? 'A redirect URI holds no user name or password.' : undefined
}

function privateUseProblem(scheme: string, text: string): string | undefined {
  if (TAKEN.test(scheme)) return `The scheme ${scheme} is not one that an app has for itself (RFC 8252 §7.1).`
  return /^[^/?]*\/\/[^/?]*@/.test(text) ? 'A redirect URI holds no user name or password.' : undefined
}

/** Dots that a parser would take away, spelled in any way. */
function hasDotSegment(text: string): boolean {
  const path = text.split('?')[0] ?? ''
  return path.split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))
}

/** The parser repaired nothing: it may add the slash after a host, and that alone. */
function isCanonical(text: string, { href }: URL): boolean {
  return href === text || href === `${text}/` || href === text.replace(/^([^?]*)\?/, '$1/?')
}
