import { isLoopback } from '@tetrapod/protocol'
import { JourneyFailed } from './journey-failed.ts'

// A fragment, and what a URL parser drops or encodes in silence: the text as it came ends up in messages.
const UNFIT = /[^!-~]|#/
// RFC 6761 §6.3: such a name leads to this machine too, by a resolver's leave.
const LOCAL_NAME = /(^|\.)localhost\.?$/

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
  if (!loopback && LOCAL_NAME.test(url.hostname))
    throw refused(name, 'must call this machine localhost or 127.0.0.1')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    throw refused(name, 'must be https (http is for this machine alone)')
  }
  if (loopback && !local) throw refused(name, 'leads to this machine, and the MCP server is elsewhere')
  return url
}

function refused(name: string, rule: string): JourneyFailed {
  return new JourneyFailed(
    'discovery.url_refused',
    `The ${name} ${rule}. Ask whoever runs the server to correct it.`,
  )
}
