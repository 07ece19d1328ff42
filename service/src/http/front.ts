import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Log } from '#kernel'
import { sendFault } from './send.ts'
import { fault } from './faults.ts'
import type { Handler } from './handler.ts'

/** What is served where: by exact path, or by the first segment of the path. */
export interface Routes {
  readonly paths: Readonly<Record<string, Handler>>
  readonly segments: Readonly<Record<string, Handler>>
}

/**
 * The one HTTP server of the service. But for probes it serves `publicUrl` alone: a request with another Host is refused (DNS
 * rebinding), and no handler ever derives a URL from it.
 */
export function createFront(deps: {
  readonly publicUrl: string
  readonly routes: Routes
  /** By exact path, whatever host a request names: what looks after the process goes by its address. */
  readonly probes?: Readonly<Record<string, Handler>>
  readonly log: Log
}): Server {
  const { publicUrl, routes, log } = deps
  const probes = new Map(Object.entries(deps.probes ?? {}))
  const { host } = new URL(publicUrl)
  const paths = new Map(Object.entries(routes.paths))
  const segments = new Map(Object.entries(routes.segments))

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      const path = pathOf(request)
      const probe = probes.get(path)
      if (probe !== undefined) {
        await probe(request, response)
        return
      }
      if (request.headers.host !== host) throw fault.wrong_host()
      const handler = paths.get(path) ?? segments.get(path.split('/')[1] ?? '')
      if (handler === undefined) throw fault.not_found()
      await handler(request, response)
    } catch (error) {
      sendFault(response, error, log)
    }
  }
  return createServer(
    { maxHeaderSize: 32 * 1024, requestTimeout: 60_000, headersTimeout: 15_000 },
    (request, response) => {
      void answer(request, response)
    },
  )
}

/** The path as it was sent, without its query: never decoded, never normalised. */
export function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/'
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}
