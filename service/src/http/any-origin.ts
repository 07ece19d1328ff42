import type { Handler } from './handler.ts'

/** What a script of a web page may send besides a simple request. */
const HEADERS = 'authorization, content-type, dpop, mcp-protocol-version'

/**
 * Lets scripts of any web page call an endpoint (Fetch, CORS protocol): agents run in browsers too, and prove who they are
 * by what they send. Never with cookies: no page can act with the sign-in of the person who looks at it. Not for the
 * authorization endpoint, which is opened and never called (RFC 9700 §2.6).
 */
export function anyOrigin(handler: Handler, methods: string): Handler {
  return async (request, response) => {
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-expose-headers', 'www-authenticate, retry-after')
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) {
      await handler(request, response)
      return
    }
    response.writeHead(204, {
      'access-control-allow-methods': methods,
      'access-control-allow-headers': HEADERS,
      'access-control-max-age': '3600',
    })
    response.end()
  }
}
