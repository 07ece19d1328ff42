/**
 * True when an answer to either address reaches the same receiver, as far as a user can tell. Programs of this machine
 * take a free port each time (RFC 8252 §7.3), and whoever listens on one may listen on another: there the port says
 * nothing. Everything else is compared character by character.
 */
export function sameRedirect(a: string, b: string): boolean {
  return a === b || (isLoopbackRedirect(a) && withoutPort(a) === withoutPort(b))
}

/** True for an address of the user's own machine: any program that runs there can receive what is sent to it. */
export function isLoopbackRedirect(uri: string): boolean {
  const { protocol, hostname } = URL.parse(uri) ?? {}
  return protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname ?? '')
}

function withoutPort(uri: string): string {
  return uri.replace(/^(http:\/\/(?:\[::1\]|[^/?#:@]+)):\d+(?=[/?#]|$)/, '$1')
}
