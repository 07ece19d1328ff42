import type { MiddlewareHandler } from 'hono'
import { secureHeaders } from 'hono/secure-headers'

/** Answers only to its own name: a page of another site that points its name at this machine gets nothing. */
export function ownHostOnly(host: string): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.header('host') !== host) return c.text(`Open http://${host} instead.`, 421)
    return next()
  }
}

/**
 * Nothing runs and nothing is loaded but the style sheet. Forms may lead to `signInOrigin`: signing in is a redirect
 * there, which `form-action` counts as part of the form (CSP3 §6.4.1).
 */
export function contentSecurity(signInOrigin: string): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      formAction: ["'self'", signInOrigin],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
    strictTransportSecurity: false,
    referrerPolicy: 'no-referrer',
  })
}
