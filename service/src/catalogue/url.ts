import { isLoopback } from '@tetrapod/protocol'

/** What is wrong with a URL of the configuration, or undefined. Never repeats it: it may hold a password. */
export function urlProblem(text: string): string | undefined {
  const url = parseUrl(text)
  if (url === undefined) return 'Write an absolute URL that begins with https://.'
  if (/^[^/]*\/\/[^/?]*@/.test(text)) return 'A URL holds no user name or password: remove all up to the @.'
  if (text.includes('#')) return 'A URL here has no fragment: remove the # and what follows it.'
  if (url.protocol === 'http:' && !isLoopback(url))
    return 'Use https: http is for this machine alone (127.0.0.1, [::1], localhost).'
  return undefined
}

/** `publicUrl` is an issuer without a path: exactly an origin, in its canonical spelling. */
export function publicUrlProblem(text: string): string | undefined {
  const url = parseUrl(text)
  if (url === undefined)
    return 'Write an origin: https://tetrapod.example.com, or for this machine alone http://127.0.0.1 and a port.'
  const canonical = `Write it as ${url.origin}, without a path, a query or a slash at the end: Tetrapod has a host of its own.`
  return urlProblem(text) ?? (text === url.origin ? undefined : canonical)
}

/** A redirect URI is compared character by character (RFC 9700 §2.1), so it is written out. */
export function redirectUriProblem(text: string): string | undefined {
  const wildcard = 'A redirect URI is compared character by character: write it out, without *.'
  return urlProblem(text) ?? (text.includes('*') ? wildcard : undefined)
}

/** A host as a URL writes it, with a port where it has one that is not 443; or `*`. */
export function hostProblem(text: string): string | undefined {
  if (text === '*') return undefined
  const url = URL.canParse(`https://${text}/`) ? new URL(`https://${text}/`) : undefined
  const name = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*(?::\d+)?$/.test(text)
  return name && url?.host === text
    ? undefined
    : 'Write a host as it stands in an address: lower case, with its domain, and a port only where it is not 443.'
}

/** A URL that reads the same to everybody: the parser repairs spaces, backslashes and missing slashes. */
export function parseUrl(text: string): URL | undefined {
  const plain = /^https?:\/\/[\x21-\x7e]+$/i.test(text) && !text.includes('\\')
  return plain && URL.canParse(text) ? new URL(text) : undefined
}
