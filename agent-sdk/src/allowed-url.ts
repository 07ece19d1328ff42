import { JourneyFailed } from './journey-failed.ts'

// A fragment, and what a URL parser drops or encodes in silence: the text as it came ends up in messages.
const UNFIT = /[^!-~]|#/

/**
 * Checks an address of a journey before anything is sent there or shown to a browser: https, or http on loopback.
 *
 * An address that was learnt may be on loopback only when the MCP URL is (`local`): else a server on the internet could
 * point an agent at the machine it runs on. Throws {@link JourneyFailed} `discovery.url_refused`.
 */
export function allowedUrl(value: string, { name, local }: { name: string; local: boolean }): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || url.username !== '' || url.password !== '' || UNFIT.test(value)) {
    throw refused(name, 'must be an absolute URL without user name, password and fragment')
  }
  const loopback = isLoopback(url)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    throw refused(name, 'must be https (http is for this machine alone)')
  }
  if (loopback && !local) throw refused(name, 'leads to this machine, and the MCP server is elsewhere')
  return url
}

/** True for the names and addresses of this machine (RFC 8252 §8.3, RFC 6761 §6.3). */
export function isLoopback({ hostname }: URL): boolean {
  return /^(127(\.\d+){3}|\[::1\]|(.+\.)?localhost\.?)$/.test(hostname)
}

function refused(name: string, rule: string): JourneyFailed {
  return new JourneyFailed(
    'discovery.url_refused',
    `The ${name} ${rule}. Ask whoever runs the server to correct it.`,
  )
}
