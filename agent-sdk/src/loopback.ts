import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isLoopback } from '@tetrapod/protocol'
import { JourneyFailed } from './journey-failed.ts'
import type { Keeper } from './keeper.ts'

export interface LoopbackOptions {
  /**
   * Opens the user's browser, or shows the URL. It is https, or http on loopback; never hand it to a shell.
   * Without it, and without one of the agent: the URL is printed.
   */
  readonly open?: (url: string) => unknown
  /** Ends the waiting. Without it: five minutes. */
  readonly signal?: AbortSignal
}

interface Steps {
  /** `redirectUri` is where it listens. */
  begin(redirectUri: string): Promise<{ readonly url: string; readonly state: string }>
  finish(callbackUrl: string, state: string): Promise<Keeper>
}

const WAIT_MS = 300_000

/**
 * A login that listens on its own redirect URI (RFC 8252 §7.3), for as long as it takes and no longer. A redirect URI
 * without a port is one on any free port.
 *
 * Only the callback of this very login ends it: anything else that knocks is turned away and the waiting goes on.
 * Throws {@link JourneyFailed} `callback.listen_failed`, `callback.abandoned`, and what the two steps throw.
 */
export async function atLoopback(
  registered: string,
  options: LoopbackOptions,
  steps: Steps,
): Promise<Keeper> {
  const { open = print, signal = AbortSignal.timeout(WAIT_MS) } = options
  const server = await listen(registered)
  const redirectUri = withPort(registered, server)
  try {
    const { url, state } = await steps.begin(redirectUri)
    const callback = untilCallback(server, { redirectUri, state, signal })
    // A browser that cannot be opened ends the waiting; one that is waited for until it closes must not prolong it.
    const opened = (async () => open(url))().then(() => callback)
    const { callbackUrl, response } = await Promise.race([callback, opened])
    return await answered(response, steps.finish(callbackUrl, state))
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

interface Arrival {
  readonly callbackUrl: string
  readonly response: ServerResponse
}

async function untilCallback(
  server: Server,
  { redirectUri, state, signal }: { redirectUri: string; state: string; signal: AbortSignal },
): Promise<Arrival> {
  const { origin, pathname } = new URL(redirectUri)
  return new Promise((resolve, reject) => {
    const abandon = () => reject(abandoned())
    if (signal.aborted) abandon()
    signal.addEventListener('abort', abandon, { once: true })
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const callbackUrl = `${origin}${request.url}`
      const url = URL.canParse(callbackUrl) ? new URL(callbackUrl) : undefined
      const ours = request.method === 'GET' && url?.pathname === pathname
      if (ours && url.searchParams.get('state') === state) resolve({ callbackUrl, response })
      else page(response, 404, 'Nothing to see here.')
    })
  })
}

/** Tells the browser how it ended, and no more: what the answer said came through that browser. */
async function answered(response: ServerResponse, finished: Promise<Keeper>): Promise<Keeper> {
  try {
    const keeper = await finished
    await delivered(response, 200, 'You are logged in. You can close this window and go back to your agent.')
    return keeper
  } catch (failure) {
    await delivered(response, 400, 'The login did not succeed. Go back to your agent: it says why.')
    throw failure
  }
}

async function delivered(response: ServerResponse, status: number, text: string): Promise<void> {
  if (response.destroyed) return
  const closed = once(response, 'close')
  page(response, status, text)
  await closed
}

function page(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
  response.end(text)
}

async function listen(redirectUri: string): Promise<Server> {
  const url = new URL(redirectUri)
  if (url.protocol !== 'http:' || !isLoopback(url)) {
    const message =
      'This login needs a redirect URI with http on this machine. Use begin and finish for any other.'
    throw new JourneyFailed('agent.redirect_refused', message)
  }
  const server = createServer()
  try {
    server.listen(Number(url.port), url.hostname.replace(/^\[|\]$/g, ''))
    await once(server, 'listening')
    return server
  } catch (cause) {
    const message = `${url.host} cannot be listened on. End the program that uses it, or register another redirect URI.`
    throw new JourneyFailed('callback.listen_failed', message, { cause })
  }
}

function withPort(redirectUri: string, server: Server): string {
  const url = new URL(redirectUri)
  const address = server.address()
  if (url.port !== '' || typeof address !== 'object' || address === null) return redirectUri
  url.port = `${address.port}`
  return url.href
}

function print(url: string): void {
  process.stderr.write(`Open this address in your browser to log in:\n${url}\n`)
}

function abandoned(): JourneyFailed {
  const message = 'The browser did not come back in time. Begin again, and finish the login in the browser.'
  return new JourneyFailed('callback.abandoned', message)
}
