interface Cookie {
  readonly name: string
  readonly value: string
  readonly host: string
  readonly path: string
}

export interface CookieJar {
  /** Takes the `Set-Cookie` values of an answer from `url`. */
  keep(url: URL, setCookies: readonly string[]): void
  /** The `Cookie` value for a request to `url`, or undefined. */
  for(url: URL): string | undefined
}

/** Cookies as browsers keep them: by host and path, not by port (RFC 6265 §8.5). Ended ones are forgotten. */
export function createCookieJar(): CookieJar {
  let cookies: readonly Cookie[] = []
  return {
    keep(url, setCookies) {
      for (const line of setCookies) {
        const { cookie, ended } = parse(url, line)
        cookies = cookies.filter((one) => !isSame(one, cookie))
        if (!ended) cookies = [...cookies, cookie]
      }
    },
    for(url) {
      const sent = cookies.filter((one) => one.host === url.hostname && covers(one.path, url.pathname))
      return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join('; ')
    },
  }
}

function parse(url: URL, line: string): { readonly cookie: Cookie; readonly ended: boolean } {
  const [pair = '', ...rest] = line.split(';').map((part) => part.trim())
  const attributes = new Map(
    rest.map((part) => {
      const [name = '', ...value] = part.split('=')
      return [name.toLowerCase(), value.join('=')] as const
    }),
  )
  const separator = pair.indexOf('=')
  const cookie = {
    name: pair.slice(0, separator),
    value: pair.slice(separator + 1),
    host: url.hostname,
    path: attributes.get('path') ?? (url.pathname.replace(/\/[^/]*$/, '') || '/'),
  }
  const maxAge = attributes.get('max-age')
  const expires = attributes.get('expires')
  const ended = maxAge === undefined ? Date.parse(expires ?? '9999-01-01') <= Date.now() : Number(maxAge) <= 0
  return { cookie, ended }
}

function isSame(a: Cookie, b: Cookie): boolean {
  return a.name === b.name && a.host === b.host && a.path === b.path
}

function covers(path: string, requested: string): boolean {
  return requested === path || requested.startsWith(path.endsWith('/') ? path : `${path}/`)
}
