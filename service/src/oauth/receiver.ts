import { isLoopbackRedirect } from '#agents'

/** Who will hear the answer to a consent, as far as the redirect URI tells. */
export type Receiver =
  | { readonly kind: 'host'; readonly host: string }
  /** A program of the user's own machine. `only`: the agent has no address elsewhere. */
  | { readonly kind: 'this machine'; readonly host: string; readonly only: boolean }
  /** Whichever app opens links of a private-use scheme (RFC 8252 §7.1). */
  | { readonly kind: 'app'; readonly scheme: string }

/** `registered` are all the redirect URIs that the agent has. */
export function receiverOf(redirectUri: string, registered: readonly string[]): Receiver {
  const { protocol, host } = new URL(redirectUri)
  if (isLoopbackRedirect(redirectUri)) {
    return { kind: 'this machine', host, only: registered.every(isLoopbackRedirect) }
  }
  if (protocol !== 'https:' && protocol !== 'http:') return { kind: 'app', scheme: protocol }
  return { kind: 'host', host }
}
