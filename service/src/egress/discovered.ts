import { isIP, type Socket } from 'node:net'
import { Client, errors } from 'undici'
import { collect } from '#kernel'
import { isCallable } from './addresses.ts'
import { fault } from './faults.ts'
import { type Network, systemNetwork } from './network.ts'

/** One document at an address that somebody told us. */
export interface Wanted {
  readonly url: string
  /** The media type to ask for. */
  readonly accept: string
  readonly bytesMax: number
  /** The one host (with its port, if it has one) that an operator listed for this purpose. */
  readonly listed?: { readonly host: string; readonly private: boolean } | undefined
}

export interface DiscoveredAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** The door to what was learnt (DESIGN §4.11): metadata documents, key sets. */
export interface Discovered {
  /**
   * GET, over https, of a name and never of an address, at port 443 or that of the listed host. The name is resolved once;
   * every answer must be public (private where the listed host is), and the connection goes to the address that was checked.
   * Nothing is sent but the request; a redirect is an answer. All of it in 2.5 s. Throws `egress.address_refused`,
   * `egress.too_large`, `egress.timed_out`, `egress.unreachable`.
   */
  get(wanted: Wanted): Promise<DiscoveredAnswer>
}

const TOTAL_MS = 2_500
const HEADERS_BYTES_MAX = 16 * 1024

export function createDiscovered({
  network = systemNetwork,
}: { readonly network?: Network } = {}): Discovered {
  return {
    async get(wanted) {
      const url = checkedUrl(wanted)
      const privateToo = wanted.listed?.private === true && url.host === wanted.listed.host
      const over = AbortSignal.timeout(TOTAL_MS)
      try {
        const address = await checkedAddress(url.hostname, network, { privateToo, over })
        return await fetched(url, wanted, { address, network, over })
      } catch (cause) {
        throw failure(cause, over)
      }
    },
  }
}

function checkedUrl({ url: text, listed }: Wanted): URL {
  const refused = (detail: string) => fault.address_refused({ detail: `${text}: ${detail}` })
  if (!URL.canParse(text)) throw refused('no URL')
  const url = new URL(text)
  if (url.protocol !== 'https:') throw refused('not https')
  if (url.username !== '' || url.password !== '') throw refused('user name')
  if (isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) throw refused('an IP address')
  // A name without a dot, or with one at its end, is looked up in the domain of this machine, or past it.
  if (!/^[^.]+(?:\.[^.]+)+$/.test(url.hostname)) throw refused('not a full name')
  if (url.port !== '' && url.host !== listed?.host) throw refused('port')
  return url
}

/** Resolves once. One bad answer among good ones is enough: whoever sent it chose the good ones too. */
async function checkedAddress(
  host: string,
  network: Network,
  { privateToo, over }: { readonly privateToo: boolean; readonly over: AbortSignal },
): Promise<string> {
  const answers = await Promise.race([network.resolve(host), rejectedBy(over)])
  const [first] = answers
  const bad = answers.find((address) => !isCallable(address, { privateToo }))
  if (bad !== undefined) throw fault.address_refused({ detail: `${host} is at ${bad}` })
  if (first === undefined) throw fault.unreachable({ detail: `${host} has no address` })
  return first
}

async function fetched(
  url: URL,
  { accept, bytesMax }: Wanted,
  to: { readonly address: string; readonly network: Network; readonly over: AbortSignal },
): Promise<DiscoveredAnswer> {
  const { address, network, over } = to
  const client = new Client(url.origin, {
    maxHeaderSize: HEADERS_BYTES_MAX,
    // One connection for one request.
    pipelining: 0,
    connect: (_options, connected) => {
      const port = Number(url.port || 443)
      const socket = network.dial({ address, port, host: url.hostname })
      whenConnected(socket, address, over, (error) =>
        error === undefined ? connected(null, socket) : connected(error, null),
      )
    },
  })
  try {
    const path = `${url.pathname}${url.search}`
    const answer = await client.request({ method: 'GET', path, headers: { accept }, signal: over })
    if (Number(answer.headers['content-length'] ?? 0) > bytesMax) throw fault.too_large()
    const body = await collect(answer.body, bytesMax, fault.too_large)
    return { status: answer.statusCode, headers: answer.headers, body }
  } finally {
    await client.destroy()
  }
}

/** The address is checked again where it counts: at the other end of the connection. */
function whenConnected(
  socket: Socket,
  address: string,
  over: AbortSignal,
  done: (error: Error | undefined) => void,
): void {
  const stop = () => socket.destroy(new Error('out of time'))
  over.addEventListener('abort', stop, { once: true })
  socket.once('error', done)
  socket.once('secureConnect', () => {
    over.removeEventListener('abort', stop)
    socket.off('error', done)
    const same = socket.remoteAddress === address
    if (same) return done(undefined)
    socket.destroy()
    done(fault.address_refused({ detail: `connected to ${socket.remoteAddress ?? 'nobody'}` }))
  })
}

function rejectedBy(over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    over.addEventListener('abort', () => reject(fault.timed_out()), { once: true })
  })
}

function failure(cause: unknown, over: AbortSignal): unknown {
  if (over.aborted || cause instanceof errors.HeadersTimeoutError) return fault.timed_out({ cause })
  return cause instanceof Error && cause.name === 'Fault' ? cause : fault.unreachable({ cause })
}
