import { type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { close, listen } from './ports.ts'

/** What stands in front of several replicas, as simple as it can be: it knows no session, and hands everything on as it is. */
export interface Proxy {
  /** Which replica each request went to, in order. */
  readonly went: readonly number[]
  /** Sends everything to one replica from now on; without one, to each in turn. */
  pin(replica?: number): void
  close(): Promise<void>
}

export interface ProxyOptions {
  readonly port: number
  /** Where the replicas listen. */
  readonly targets: readonly number[]
  /** The `Host` it sends; absent: the one it received. */
  readonly host?: string
}

export async function openProxy({ port, targets, host }: ProxyOptions): Promise<Proxy> {
  const went: number[] = []
  let pinned: number | undefined
  let turn = 0
  const handle = (incoming: IncomingMessage, response: ServerResponse): void => {
    const replica = pinned ?? turn++ % targets.length
    went.push(replica)
    const { method, url, headers } = incoming
    const onwards = request(
      {
        host: '127.0.0.1',
        port: targets[replica],
        method,
        path: url,
        headers: { ...headers, ...(host === undefined ? {} : { host }) },
        agent: false,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
        answer.pipe(response)
        answer.once('error', () => response.destroy())
      },
    )
    onwards.once('error', () => {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end('{}')
    })
    incoming.pipe(onwards)
  }
  const server: Server = await listen(handle, port)
  return {
    went,
    pin: (replica) => (pinned = replica),
    close: () => close(server),
  }
}
